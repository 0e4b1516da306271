//! Where adapters are built: one file per way to deploy. Everything else sees the ports gathered here, and each role
//! is given those it needs and no others.

pub mod archived_agents;
pub mod commands;
pub mod distributed;
pub mod embedded;
pub mod read_only;
mod waiting;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tidegate_agentping_ports::{
    NamedRegistry, NamesOfTeams, NotedAccounts, PulseFeed, Registry, RunQueries, Runs, StoredSummary,
};
use tidegate_control::Management;
use tidegate_kernel::Region;
use tidegate_lifecycle::Unfinished;
use tidegate_mirror::Mirror;
use tidegate_ports::{Accounts, Clock, Consume, DeadLetters, Documents, ReadLag, ReadLog, Rows};

pub use waiting::until_up;

use crate::failure::Failure;

/// The kinds of documents that are sealed in the store: a route's has URLs, keys and signing secrets.
pub const SEALED_KINDS: &[&str] = &[tidegate_agentping_settings::kinds::ROUTE];

/// Closes what the ports use, in order.
pub type Close = Pin<Box<dyn Future<Output = Result<(), Unfinished>> + Send>>;

/// The ports of one role, and how the adapters behind them are closed.
pub struct Opened<P> {
    pub ports: P,
    /// To be awaited once nothing uses the ports any more.
    pub close: Close,
}

/// The ports of a persister.
pub struct PersisterPorts {
    /// The persister's membership of its consumer group.
    pub consume: Box<dyn Consume>,
    pub runs: Arc<dyn Runs>,
    /// What became of every record, in the same store as the runs.
    pub accounts: Arc<dyn NotedAccounts>,
    /// The rows that are saved with the runs: old ones are deleted.
    pub feed: Arc<dyn PulseFeed>,
    pub dead_letters: Arc<dyn DeadLetters>,
    /// The log from which records are read again when the store has lost some; `None` where the store never does.
    pub log: Option<Arc<dyn ReadLog>>,
    /// How far the consumer group is behind.
    pub lag: Arc<dyn ReadLag>,
}

/// The ports of the read API.
pub struct ReadPorts {
    pub queries: Arc<dyn RunQueries>,
    /// Looks up whether the store has what the accounts call stored.
    pub stored: Arc<dyn StoredSummary>,
    pub accounts: Arc<dyn NotedAccounts>,
    /// The log whose ends the accounts are compared with; `None` where no log is named.
    pub log: Option<Arc<dyn ReadLog>>,
}

/// The ports of a judge of schedules, but for what teams set.
#[derive(Clone)]
pub struct PulsePorts {
    /// How far the persisters are behind.
    pub lag: Arc<dyn ReadLag>,
    pub accounts: Arc<dyn Accounts>,
    pub feed: Arc<dyn PulseFeed>,
    pub dead_letters: Arc<dyn DeadLetters>,
    /// Runs whose checks are judged.
    pub queries: Arc<dyn RunQueries>,
}

/// What teams set, and what is derived from it.
#[derive(Clone)]
pub struct SettingsPorts {
    pub documents: Arc<dyn Documents>,
    pub rows: Arc<dyn Rows>,
    pub registry: Arc<dyn Registry>,
}

impl SettingsPorts {
    /// For the management API, with a copy of the settings that has read all of them.
    ///
    /// # Errors
    /// The store's.
    pub async fn management(&self, clock: Arc<dyn Clock>, ingest_url: &str) -> Result<Management, Failure> {
        let SettingsPorts { documents, rows, registry } = self.clone();
        let mirror = Mirror::read(documents.clone(), clock.clone()).await?;
        let management = Management::new(documents, rows, registry, clock).with_ingest_url(ingest_url);
        Ok(management.with_mirror(mirror))
    }
}

/// The registry alone, for management commands.
pub struct OpenedRegistry {
    /// It knows agents by their names.
    pub registry: Arc<dyn Registry>,
    pub names: Arc<dyn NamesOfTeams>,
    pub region: Region,
}

impl OpenedRegistry {
    /// Over one that knows agents by their keys.
    pub fn new(registry: impl Registry, names: impl NamesOfTeams, region: Region) -> Self {
        let names: Arc<dyn NamesOfTeams> = Arc::new(names);
        let registry = Arc::new(NamedRegistry::new(Arc::new(registry), names.clone()));
        OpenedRegistry { registry, names, region }
    }
}
