//! Chooses AgentPing's records by team, agent and kind, and asks the store for agents that records do not name.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_agentping::RunKey;
use tidegate_agentping_ports::Runs;
use tidegate_ports::StoreError;
use tidegate_replay::{Asked, Choose};

use super::agents::{AgentsSeen, Owner};
use super::filters::Filters;
use super::readable::{Readable, agent_of};
use crate::log_commands::kind::{ByKind, Kind};
use crate::log_commands::replay::counts::Counts;

/// Chooses records by the filters.
pub struct ByFilters {
    filters: Filters,
    agents: Option<AgentsSeen>,
    runs: Arc<dyn Runs>,
}

impl ByFilters {
    /// `runs` is only read.
    pub fn new(filters: &Filters, runs: Arc<dyn Runs>) -> Self {
        ByFilters { filters: filters.clone(), agents: filters.agent.clone().map(AgentsSeen::new), runs }
    }
}

#[async_trait]
impl Choose for ByFilters {
    type Record = Readable;
    type Counts = Counts<ByKind>;

    fn asks_for(&self, readable: &Readable) -> Asked {
        let Filters { team, agent, kind } = &self.filters;
        if team.is_some_and(|team| readable.key.is_some_and(|key| key.team != team)) {
            return Asked::NotByKey;
        }
        let Some(record) = &readable.record else {
            return Asked::Unreadable {
                passes: agent.is_none() && kind.is_none() && (team.is_none() || readable.key.is_some()),
            };
        };
        if kind.is_some_and(|kind| kind != Kind::of(&record.body)) {
            return Asked::No;
        }
        match (agent, agent_of(record)) {
            (None, _) => Asked::Yes,
            (Some(wanted), Some(agent)) if wanted == agent => Asked::Yes,
            (Some(_), Some(_)) => Asked::No,
            (Some(_), None) => Asked::NeedsLookUp,
        }
    }

    fn learns(&self) -> bool {
        self.agents.is_some()
    }

    fn learn(&mut self, readable: &Readable) {
        if let (Some(agents), Some(record)) = (&mut self.agents, &readable.record) {
            agents.learn(record);
        }
    }

    async fn look_up(&self, readables: &[&Readable]) -> Result<Vec<Option<bool>>, StoreError> {
        let Some(agents) = &self.agents else { return Ok(vec![None; readables.len()]) };
        // Only decoded records need a look-up, and all of those have a key.
        let keys: Vec<RunKey> = readables.iter().filter_map(|readable| readable.key).collect();
        let is_wanted = |owner: Owner| match owner {
            Owner::Wanted => Some(true),
            Owner::Another => Some(false),
            Owner::Unknown => None,
        };
        Ok(agents.owners(&*self.runs, &keys).await?.into_iter().map(is_wanted).collect())
    }
}

#[cfg(test)]
mod tests;
