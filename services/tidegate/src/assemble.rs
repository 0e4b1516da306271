//! Where adapters are built: one file per way to deploy. Everything else sees the ports gathered here.

pub mod embedded;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tidegate_domain::Region;
use tidegate_ports::{
    Agents, Append, Consume, Credentials, DeadLetters, Gate, Rates, ReadLag, Registry, RunQueries, Runs, StoredSummary,
};

/// Ends what stands behind the ports, in order. An error says what was left.
pub type Close = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// All ports of a pipeline, whatever stands behind them.
pub struct Pipeline {
    pub append: Arc<dyn Append>,
    /// How far the persister's group is behind.
    pub lag: Arc<dyn ReadLag>,
    pub gate: Arc<dyn Gate>,
    pub runs: Arc<dyn Runs>,
    pub dead_letters: Arc<dyn DeadLetters>,
    pub queries: Arc<dyn RunQueries>,
    pub stored: Arc<dyn StoredSummary>,
    pub agents: Arc<dyn Agents>,
    pub credentials: Arc<dyn Credentials>,
    pub rates: Arc<dyn Rates>,
    pub registry: Arc<dyn Registry>,
}

/// A pipeline, and what only one may have of it.
pub struct Assembled {
    pub pipeline: Pipeline,
    /// The persister's membership of its consumer group.
    pub consume: Box<dyn Consume>,
    /// To be awaited once nothing uses the ports any more.
    pub close: Close,
}

/// The registry alone, for management commands.
pub struct OpenedRegistry {
    pub registry: Arc<dyn Registry>,
    pub region: Region,
}
