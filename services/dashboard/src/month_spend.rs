//! What the agents of a team cost in a month, as the store sums it.

use tidegate_agentping::Slug;
use tidegate_agentping_ports::{Spend, SpendRow};

/// A month's sums of a team's agents, by their keys.
pub(crate) struct SpendOfAgents {
    rows: Vec<SpendRow>,
    /// There are agents without a sum of their own, as those beyond the costliest have one together.
    pub are_others: bool,
}

impl SpendOfAgents {
    pub fn of(spend: Spend) -> Self {
        SpendOfAgents { rows: spend.by_agent, are_others: spend.agents_rest.runs > 0 }
    }

    /// Of the agent with this key; `None`: it has no run in the month, or no sum of its own.
    pub fn row(&self, key: &Slug) -> Option<&SpendRow> {
        self.rows.iter().find(|row| row.name.as_deref() == Some(key.as_str()))
    }
}
