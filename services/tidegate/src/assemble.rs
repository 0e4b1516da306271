//! Where adapters are built: one file per way to deploy. Everything else sees the ports gathered here, and each role
//! is given those it needs and no others.

pub mod archived_agents;
pub mod distributed;
pub mod embedded;
pub mod read_only;
mod waiting;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tidegate_kernel::Region;
use tidegate_ports::{Accounts, Consume, DeadLetters, ReadLag, ReadLog, Registry, RunQueries, Runs, StoredSummary};

pub use waiting::until_up;

/// Closes what the ports use, in order. The text says what was left behind: a line of the exit report.
pub type Close = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// The ports of one role, and how what stands behind them is ended.
pub struct Opened<P> {
    pub ports: P,
    /// To be awaited once nothing uses the ports any more.
    pub close: Close,
}

/// What a persister stands on.
pub struct PersisterPorts {
    /// Its membership of its consumer group: only one may have it.
    pub consume: Box<dyn Consume>,
    pub runs: Arc<dyn Runs>,
    /// What became of every record, in the same store as the runs.
    pub accounts: Arc<dyn Accounts>,
    pub dead_letters: Arc<dyn DeadLetters>,
    /// What a store that goes back is read again from; `None` where the store cannot.
    pub log: Option<Arc<dyn ReadLog>>,
    /// How far its group is behind.
    pub lag: Arc<dyn ReadLag>,
}

/// What the read API stands on.
pub struct ReadPorts {
    pub queries: Arc<dyn RunQueries>,
    /// Whether the store has what the accounts call stored.
    pub stored: Arc<dyn StoredSummary>,
    pub accounts: Arc<dyn Accounts>,
    /// What the accounts are held against; `None` where no log is named.
    pub log: Option<Arc<dyn ReadLog>>,
}

/// The registry alone, for management commands.
pub struct OpenedRegistry {
    pub registry: Arc<dyn Registry>,
    pub region: Region,
}
