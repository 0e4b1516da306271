//! What the agents of a team cost this month. It takes a pass over the month's runs, and a page of an agent is renewed every
//! two seconds, so it is kept for many times as long as it took: for a small team hardly at all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tidegate_agentping::{Slug, TeamId};
use tidegate_agentping_ports::{Spend, SpendRow};
use tidegate_kernel::{Month, Timestamp};

use crate::problem::Problem;
use crate::visit::Visit;

/// How many times as long as it took it is kept, and for how long at most.
const TIMES: u64 = 20;
const LIFETIME_MS: u64 = 30_000;
/// Teams whose sums are kept.
const KEPT: usize = 200;

/// The sums of teams whose agents were looked at last.
#[derive(Default)]
pub(crate) struct MonthSpend(Mutex<HashMap<TeamId, Kept>>);

struct Kept {
    month: Month,
    at: Timestamp,
    lifetime_ms: u64,
    sums: Arc<SpendOfAgents>,
}

/// A month's sums of a team's agents, by their keys.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct SpendOfAgents {
    rows: Vec<SpendRow>,
    /// There are agents without a sum of their own.
    pub are_others: bool,
}

impl SpendOfAgents {
    fn of(spend: Spend) -> Self {
        SpendOfAgents { rows: spend.by_agent, are_others: spend.agents_rest.runs > 0 }
    }

    /// Of the agent with this key; `None`: it has no run in the month, or no sum of its own.
    pub fn row(&self, key: &Slug) -> Option<&SpendRow> {
        self.rows.iter().find(|row| row.name.as_deref() == Some(key.as_str()))
    }
}

impl MonthSpend {
    fn known(&self, team: TeamId, month: Month, now: Timestamp) -> Option<Arc<SpendOfAgents>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.get(&team).filter(|kept| kept.month == month && kept.is_fresh(now))?;
        Some(found.sums.clone())
    }

    fn keep(&self, team: TeamId, of: Kept) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.retain(|_, one| one.is_fresh(of.at));
        }
        if kept.len() < KEPT {
            kept.insert(team, of);
        }
    }
}

impl Kept {
    fn is_fresh(&self, now: Timestamp) -> bool {
        self.at <= now && now.millis_since(self.at) < self.lifetime_ms
    }
}

impl Visit {
    /// What the team's agents cost this month, as it was a short while ago at most.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn spend_of_agents(&self) -> Result<Arc<SpendOfAgents>, Problem> {
        let (pages, team, month) = (&self.pages, self.team(), Month::of(self.now));
        if let Some(known) = pages.month_spend.known(team, month, self.now) {
            return Ok(known);
        }
        let asked = pages.now();
        let spend = pages.ask(pages.by_key.spend(team, month, self.now)).await?;
        let (at, sums) = (pages.now(), Arc::new(SpendOfAgents::of(spend)));
        let lifetime_ms = at.millis_since(asked).saturating_mul(TIMES).min(LIFETIME_MS);
        pages.month_spend.keep(team, Kept { month, at, lifetime_ms, sums: sums.clone() });
        Ok(sums)
    }
}

#[cfg(test)]
mod tests {
    use tidegate_agentping_testkit::{NOON, team};

    use super::*;

    #[test]
    fn sums_are_kept_for_their_lifetime_and_month() {
        let kept = MonthSpend::default();
        let month = Month::of(NOON);
        let of = |lifetime_ms| Kept { month, at: NOON, lifetime_ms, sums: Arc::default() };
        kept.keep(team(1), of(0));
        assert_eq!(kept.known(team(1), month, NOON), None, "it took no time");
        kept.keep(team(1), of(40));
        assert!(kept.known(team(1), month, NOON.plus_millis(39)).is_some());
        assert_eq!(kept.known(team(1), month, NOON.plus_millis(40)), None);
        assert_eq!(kept.known(team(1), month, NOON.plus_millis(-1)), None, "a clock that goes back");
        assert_eq!(kept.known(team(1), month.next(), NOON), None);
        assert_eq!(kept.known(team(2), month, NOON), None);
    }
}
