//! Agents that commands archive while a process runs. Commands write to the folder's registry; the gate, which holds a
//! slot for each agent, is in the process's memory and must be brought up to date.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tidegate_agentping::{Slug, TeamId};
use tidegate_agentping_ports::{Gate, GateDown};
use tidegate_consumer::{Job, JobError};
use tidegate_ports::StoreError;
use tidegate_sqlite::EmbeddedRegistry;

use crate::failure::Failure;

/// A change that a command makes takes effect within two seconds.
const EVERY: Duration = Duration::from_secs(1);

/// Finds the agents archived since the last look, and gives their slots back.
pub struct ArchivedAgents {
    registry: EmbeddedRegistry,
    gate: Arc<dyn Gate>,
    /// The number of the last archived agent that the gate knows of.
    seen: AtomicI64,
}

impl ArchivedAgents {
    /// Begins after the agents that are archived now.
    ///
    /// # Errors
    /// The registry cannot be read.
    pub async fn follow(registry: EmbeddedRegistry, gate: Arc<dyn Gate>) -> Result<Self, Failure> {
        let archived = ArchivedAgents { registry, gate, seen: AtomicI64::new(0) };
        let last = archived.since().await?.last().map_or(0, |(number, ..)| *number);
        Ok(ArchivedAgents { seen: AtomicI64::new(last), ..archived })
    }

    /// Gives slots back every second.
    pub fn into_job(self) -> Job {
        let archived = Arc::new(self);
        Job::new("archived_agents", EVERY, move || {
            let archived = archived.clone();
            async move { archived.forget().await }
        })
    }

    /// Gives back the slots of the agents archived since the last look.
    ///
    /// # Errors
    /// The registry or the gate did not answer. The next call tries again.
    async fn forget(&self) -> Result<(), JobError> {
        for (number, team, agent) in self.since().await? {
            let forgotten: Result<(), GateDown> = self.gate.forget_agent(team, agent.clone()).await;
            forgotten?;
            tracing::info!(%team, %agent, "an agent was archived: its slot is free");
            self.seen.store(number, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn since(&self) -> Result<Vec<(i64, TeamId, Slug)>, StoreError> {
        self.registry.archived_after(self.seen.load(Ordering::Relaxed)).await
    }
}
