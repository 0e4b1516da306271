//! The gate of one process follows what commands archive: they work on the folder's registry, and the gate, which holds a
//! slot for each agent, is in the process's memory.

use std::sync::Arc;

use tidegate_agentping::{Slug, TeamId};
use tidegate_ports::{Gate, GateDown, StoreError};
use tidegate_sqlite::EmbeddedRegistry;

use crate::failure::Failure;

/// The agents that were archived since it was last asked.
pub struct ArchivedAgents {
    registry: EmbeddedRegistry,
    gate: Arc<dyn Gate>,
    /// The number of the last one that the gate knows of.
    seen: i64,
}

impl ArchivedAgents {
    /// Begins with what is archived now.
    ///
    /// # Errors
    /// The registry cannot be read.
    pub async fn follow(registry: EmbeddedRegistry, gate: Arc<dyn Gate>) -> Result<Self, Failure> {
        let mut archived = ArchivedAgents { registry, gate, seen: 0 };
        archived.seen = archived.since().await?.last().map_or(0, |(number, ..)| *number);
        Ok(archived)
    }

    /// Gives back the slots of those archived meanwhile.
    ///
    /// # Errors
    /// What did not work; it is tried again the next time.
    pub async fn forget(&mut self) -> Result<(), Failure> {
        for (number, team, agent) in self.since().await? {
            let forgotten: Result<(), GateDown> = self.gate.forget_agent(team, agent.clone()).await;
            forgotten?;
            tracing::info!(%team, %agent, "an agent was archived: its slot is free");
            self.seen = number;
        }
        Ok(())
    }

    async fn since(&self) -> Result<Vec<(i64, TeamId, Slug)>, StoreError> {
        self.registry.archived_after(self.seen).await
    }
}
