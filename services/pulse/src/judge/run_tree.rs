//! Which run is above which: a child's failure is shown at the root.
//!
//! Known are runs that are open, and those that had children for a while after their end. A child whose parent is not known is
//! judged as a run of its own.

use std::collections::{HashMap, VecDeque};

use tidegate_agentping::{AgentId, FinishStatus, RunId, TeamId};
use tidegate_kernel::Timestamp;

use super::open_run::UnendedRun;

/// A run that none is above, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Root {
    pub agent: AgentId,
    pub run: RunId,
}

/// A run below another one that ended badly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailedChild {
    pub root: Root,
    pub child: RunId,
    pub status: FinishStatus,
    pub at: Timestamp,
}

/// A known run.
#[derive(Clone, Copy, Debug)]
struct Known {
    agent: AgentId,
    parent: Option<RunId>,
    has_children: bool,
}

/// The runs of all teams.
#[derive(Debug, Default)]
pub struct RunTree {
    runs: HashMap<(TeamId, RunId), Known>,
    of_agents: HashMap<AgentId, Vec<RunId>>,
    /// Runs with children that have ended, in the order in which they have.
    ended: VecDeque<(Timestamp, (TeamId, RunId))>,
}

/// Runs above one another, at most.
const DEEPEST: usize = 64;
/// An ended run with children is known for so long, in milliseconds of the log's time.
const KNOWN_AFTER_END_MS: u64 = 3_600_000;
/// And so many of them are.
const MAX_ENDED: usize = 100_000;

impl RunTree {
    /// The runs of an agent that are open at `at`.
    pub fn set(&mut self, team: TeamId, agent: AgentId, open: &[UnendedRun], at: Timestamp) {
        let before = self.of_agents.remove(&agent).unwrap_or_default();
        for run in before.iter().filter(|run| open.iter().all(|open| open.run != **run)) {
            let key = (team, *run);
            // It may be another agent's by now.
            match self.runs.get(&key).filter(|known| known.agent == agent) {
                Some(known) if known.has_children => self.ended.push_back((at, key)),
                Some(_) => _ = self.runs.remove(&key),
                None => {}
            }
        }
        for open in open {
            let known = self.runs.entry((team, open.run)).or_insert(Known { agent, parent: None, has_children: false });
            (known.agent, known.parent) = (agent, open.parent);
            if let Some(parent) = open.parent.and_then(|parent| self.runs.get_mut(&(team, parent))) {
                parent.has_children = true;
            }
        }
        if !open.is_empty() {
            self.of_agents.insert(agent, open.iter().map(|open| open.run).collect());
        }
        self.forget(at);
    }

    fn forget(&mut self, at: Timestamp) {
        let is_old = |ended: Timestamp, count: usize| count > MAX_ENDED || at.millis_since(ended) > KNOWN_AFTER_END_MS;
        while let Some((ended, key)) = self.ended.front().copied().filter(|(ended, _)| is_old(*ended, self.ended.len()))
        {
            self.ended.pop_front();
            // It may be open again.
            let is_open = self.runs.get(&key).is_some_and(|known| self.is_open(known.agent, key.1));
            if !is_open && at >= ended {
                self.runs.remove(&key);
            }
        }
    }

    fn is_open(&self, agent: AgentId, run: RunId) -> bool {
        self.of_agents.get(&agent).is_some_and(|open| open.contains(&run))
    }

    /// What is shown at the root, if a run with this parent ended badly.
    pub fn failed(
        &self,
        team: TeamId,
        (child, parent): (RunId, Option<RunId>),
        status: FinishStatus,
        at: Timestamp,
    ) -> Option<FailedChild> {
        let is_bad = matches!(status, FinishStatus::Failed | FinishStatus::Timeout);
        let root = self.root_of(team, child, parent.filter(|_| is_bad)?)?;
        Some(FailedChild { root, child, status, at })
    }

    /// The run above all that are above a child of `parent`, if `parent` is known.
    fn root_of(&self, team: TeamId, child: RunId, parent: RunId) -> Option<Root> {
        let mut run = parent;
        let mut known = self.runs.get(&(team, run))?;
        for _ in 0..DEEPEST {
            let Some(above) = known.parent.filter(|above| *above != run && *above != child) else { break };
            let Some(known_above) = self.runs.get(&(team, above)) else { break };
            (run, known) = (above, known_above);
        }
        (run != child).then_some(Root { agent: known.agent, run })
    }
}
