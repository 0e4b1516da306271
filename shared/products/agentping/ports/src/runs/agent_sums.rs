//! What the runs of each agent come to, from their lines in the listing.

use std::collections::HashMap;

use tidegate_agentping::{RunId, RunStatus};
use tidegate_kernel::Usd;

/// Runs that failed or timed out of which sums keep the ids.
const FAILED_MAX: usize = 8;

/// The sums of agents by their slugs, over the newest runs, and those of all agents together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentSums {
    of_agents: HashMap<String, AgentSum>,
    with_status: HashMap<RunStatus, u64>,
    newest_failed: Vec<RunId>,
    cost: Usd,
    runs: usize,
    runs_max: usize,
    more: bool,
}

/// One agent's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentSum {
    pub runs: u64,
    /// Of these, those that failed or timed out.
    pub failed: u64,
    pub cost: Usd,
    /// Of its newest run.
    pub latest: RunStatus,
}

impl AgentSums {
    /// Of so many runs at most.
    pub fn of_newest(runs_max: usize) -> Self {
        AgentSums { runs_max, ..AgentSums::default() }
    }

    /// Counts the next run, newest first. `false`: it was one too many, and is not counted.
    pub fn take(&mut self, run: RunId, agent: &str, status: RunStatus, cost: Usd) -> bool {
        if self.runs >= self.runs_max {
            self.more = true;
            return false;
        }
        self.runs += 1;
        self.cost = self.cost.plus(cost);
        *self.with_status.entry(status).or_default() += 1;
        let is_failed = matches!(status, RunStatus::Failed | RunStatus::Timeout);
        if is_failed && self.newest_failed.len() < FAILED_MAX {
            self.newest_failed.push(run);
        }
        let failed = u64::from(is_failed);
        match self.of_agents.get_mut(agent) {
            Some(sum) => {
                sum.runs += 1;
                sum.failed += failed;
                sum.cost = sum.cost.plus(cost);
            }
            None => {
                self.of_agents.insert(agent.to_owned(), AgentSum { runs: 1, failed, cost, latest: status });
            }
        }
        true
    }

    /// The same with what `name` makes of each agent. It gives no two agents one name.
    #[must_use]
    pub fn named(self, name: impl Fn(&str) -> String) -> Self {
        let of_agents = self.of_agents.into_iter().map(|(agent, sum)| (name(&agent), sum)).collect();
        AgentSums { of_agents, ..self }
    }

    /// Of an agent; `None`: it has no run among those that were looked at.
    pub fn of(&self, agent: &str) -> Option<AgentSum> {
        self.of_agents.get(agent).copied()
    }

    /// Of each agent that has a run among those that were looked at, in no order.
    pub fn agents(&self) -> impl Iterator<Item = (&str, AgentSum)> {
        self.of_agents.iter().map(|(agent, sum)| (agent.as_str(), *sum))
    }

    /// How many runs were looked at.
    pub const fn runs(&self) -> u64 {
        self.runs as u64
    }

    /// What they cost together.
    pub const fn cost(&self) -> Usd {
        self.cost
    }

    /// How many of them have this status.
    pub fn with_status(&self, status: RunStatus) -> u64 {
        self.with_status.get(&status).copied().unwrap_or_default()
    }

    /// The newest of them that failed or timed out, newest first, at most eight.
    pub fn newest_failed(&self) -> &[RunId] {
        &self.newest_failed
    }

    /// Whether there are more runs than were looked at.
    pub const fn is_cut(&self) -> bool {
        self.more
    }
}
