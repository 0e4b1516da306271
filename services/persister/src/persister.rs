//! The persister: a consumer that folds AgentPing's records into runs.

use std::future::Future;
use std::sync::Arc;

use tidegate_agentping_ports::{NotedAccounts, Runs};
use tidegate_consumer::{Consumer, ConsumerConfig, Poison, Stalled, StopReport};
use tidegate_ports::{Clock, Consume, DeadLetters, ReadLag, ReadLog};
use tokio::sync::watch;

use crate::run_fold::RunFold;

/// One member of the persister's consumer group.
pub struct Persister(Consumer<RunFold>);

impl Persister {
    pub fn new(
        log: Box<dyn Consume>,
        runs: Arc<dyn Runs>,
        accounts: Arc<dyn NotedAccounts>,
        dead_letters: Arc<dyn DeadLetters>,
        clock: Arc<dyn Clock>,
        config: ConsumerConfig,
    ) -> Self {
        let fold = RunFold { runs, notes: accounts.clone(), clock: clock.clone() };
        Persister(Consumer::new(log, fold, Poison::DeadLetter(dead_letters), accounts, clock, config))
    }

    /// See [`Consumer::reading_again_from`].
    #[must_use]
    pub fn reading_again_from(self, log: Option<Arc<dyn ReadLog>>) -> Self {
        Persister(self.0.reading_again_from(log))
    }

    /// See [`Consumer::with_ends`].
    #[must_use]
    pub fn with_ends(self, ends: Arc<dyn ReadLag>) -> Self {
        Persister(self.0.with_ends(ends))
    }

    /// See [`Consumer::stalled`].
    pub fn stalled(&self) -> watch::Receiver<Vec<Stalled>> {
        self.0.stalled()
    }

    /// See [`Consumer::run`].
    pub async fn run(self, stop: impl Future<Output = ()> + Send) -> StopReport {
        self.0.run(stop).await
    }
}
