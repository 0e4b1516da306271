//! Which runs belong to an agent: records of events and finishes do not name it.

use std::collections::{HashSet, VecDeque};

use tidegate_agentping::{Record, RunKey, Slug};
use tidegate_agentping_ports::{RunWanted, Runs};
use tidegate_ports::StoreError;

use super::readable::agent_of;

/// Runs that are remembered: the latest ones.
const REMEMBERED_MAX: usize = 1_000_000;

/// The runs of the wanted agent among the records read so far, for runs that the store does not have (yet).
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

    /// Owners by the store, and by the records seen where the store has no opening.
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
