//! A month's costs, summed over the runs in memory.

use tidegate_agentping::{RunStatus, TeamId};
use tidegate_agentping_ports::{Spend, SpendLine, SpendTally};
use tidegate_kernel::{Month, Timestamp};

use super::Kept;

impl Kept {
    pub(super) fn spend(&self, team: TeamId, month: Month, now: Timestamp) -> Spend {
        let mut tally = SpendTally::default();
        for (_, kept) in self.of_team(team) {
            let Some(opening) = kept.run.opening() else {
                continue;
            };
            if Month::of(opening.listed_at()) == month {
                let start = &opening.start;
                tally.add(SpendLine {
                    agent: start.agent.as_str(),
                    customer_id: start.customer_id.as_deref(),
                    feature: start.feature.as_deref(),
                    listed_at: opening.listed_at(),
                    cost: kept.run.cost(),
                    successful: kept.run.status_at(now) == RunStatus::Success,
                });
            }
        }
        let unpriced = self.unpriced.iter().filter(|(owner, received, ..)| (*owner, *received) == (team, month));
        tally.finish(unpriced.map(|(_, _, provider, model)| (provider.clone(), model.clone())).collect())
    }
}
