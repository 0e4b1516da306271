//! Which runs are an agent's: events and finishes do not say.

use std::collections::{HashSet, VecDeque};

use tidegate_agentping::{Record, RunKey, Slug};
use tidegate_agentping_ports::{RunWanted, Runs};
use tidegate_ports::StoreError;

use super::choice::agent_of;

/// At most so many runs are remembered, the latest.
const REMEMBERED_MAX: usize = 1_000_000;

/// What the records that were read said of their agents. It helps where the store does not have the run (yet).
pub struct AgentsSeen {
    wanted: Slug,
    runs: HashSet<RunKey>,
    order: VecDeque<RunKey>,
}

/// Whether a run is the wanted agent's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    Wanted,
    Another,
    Unknown,
}

impl AgentsSeen {
    pub fn new(wanted: Slug) -> Self {
        AgentsSeen { wanted, runs: HashSet::new(), order: VecDeque::new() }
    }

    pub fn learn(&mut self, record: &Record) {
        if agent_of(record) == Some(&self.wanted) && self.runs.insert(record.key()) {
            self.order.push_back(record.key());
        }
        while self.order.len() > REMEMBERED_MAX {
            if let Some(oldest) = self.order.pop_front() {
                self.runs.remove(&oldest);
            }
        }
    }

    /// The store's word first, then what was seen.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn owners(&self, runs: &dyn Runs, keys: &[RunKey]) -> Result<Vec<Owner>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let wanted: Vec<RunWanted> = keys.iter().map(|key| RunWanted { key: *key, events: Vec::new() }).collect();
        let stored = runs.load(&wanted).await?;
        let owner = |(key, stored): (&RunKey, tidegate_agentping_ports::StoredRun)| {
            let opening = stored.run.as_ref().and_then(|run| run.opening());
            match opening.map(|opening| opening.start.agent == self.wanted) {
                Some(true) => Owner::Wanted,
                Some(false) => Owner::Another,
                None if self.runs.contains(key) => Owner::Wanted,
                None => Owner::Unknown,
            }
        };
        Ok(keys.iter().zip(stored).map(owner).collect())
    }
}
