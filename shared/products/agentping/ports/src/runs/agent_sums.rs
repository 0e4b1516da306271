//! What the runs of each agent come to, from their lines in the listing.

use std::collections::HashMap;

use tidegate_agentping::RunStatus;
use tidegate_kernel::Usd;

/// The sums of agents by their slugs, over the newest runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentSums {
    of_agents: HashMap<String, AgentSum>,
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
    pub fn take(&mut self, agent: &str, status: RunStatus, cost: Usd) -> bool {
        if self.runs >= self.runs_max {
            self.more = true;
            return false;
        }
        self.runs += 1;
        let failed = u64::from(matches!(status, RunStatus::Failed | RunStatus::Timeout));
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

    /// Whether there are more runs than were looked at.
    pub const fn is_cut(&self) -> bool {
        self.more
    }
}
