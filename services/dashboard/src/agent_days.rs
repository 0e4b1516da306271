//! What an agent did day by day: its runs of the last 30 days, those that failed, and what they cost. It takes a walk through
//! its runs, so it is kept for a while: a page of an agent is renewed every two seconds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tidegate_agentping::{Slug, TeamId};
use tidegate_kernel::{Timestamp, Usd};

/// How old what is shown may be.
pub(crate) const LIFETIME_MS: u64 = 30_000;
/// Agents whose days are kept.
const KEPT: usize = 200;

/// The days of agents that were looked at last.
#[derive(Default)]
pub(crate) struct AgentDays(Mutex<HashMap<(TeamId, Slug), Kept>>);

struct Kept {
    at: Timestamp,
    days: Arc<Days>,
}

/// An agent's last days, oldest first.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Days {
    pub days: Vec<Day>,
    /// Runs before this one were not looked at; `None`: all of these days were.
    pub looked_at_since: Option<Timestamp>,
}

/// One day (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Day {
    /// Its first instant.
    pub begins: Timestamp,
    pub runs: u64,
    /// Of these, those that failed or timed out.
    pub failed: u64,
    pub cost: Usd,
}

impl AgentDays {
    /// What was kept of an agent at most [`LIFETIME_MS`] ago.
    pub fn known(&self, agent: &(TeamId, Slug), now: Timestamp) -> Option<Arc<Days>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.get(agent).filter(|kept| kept.at <= now && now.millis_since(kept.at) < LIFETIME_MS)?;
        Some(found.days.clone())
    }

    pub fn keep(&self, agent: (TeamId, Slug), at: Timestamp, days: Arc<Days>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.retain(|_, one| one.at <= at && at.millis_since(one.at) < LIFETIME_MS);
        }
        if kept.len() < KEPT {
            kept.insert(agent, Kept { at, days });
        }
    }
}

impl Days {
    /// Whether nothing ran.
    pub fn is_empty(&self) -> bool {
        self.days.iter().all(|day| day.runs == 0)
    }
}

#[cfg(test)]
mod tests {
    use tidegate_agentping_testkit::{NOON, slug, team};

    use super::*;

    #[test]
    fn days_are_kept_for_their_lifetime() {
        let kept = AgentDays::default();
        let agent = (team(1), slug("nightly"));
        let days = || Arc::new(Days { days: Vec::new(), looked_at_since: None });
        assert_eq!(kept.known(&agent, NOON), None);
        kept.keep(agent.clone(), NOON, days());
        let after = |ms: u64| NOON.plus_millis(ms as i64);
        assert!(kept.known(&agent, after(LIFETIME_MS - 1)).is_some());
        assert!(kept.known(&agent, after(LIFETIME_MS)).is_none());
        assert!(kept.known(&(team(2), slug("nightly")), NOON).is_none());
        for number in 0..2 * KEPT {
            kept.keep((team(1), slug(&number.to_string())), after(LIFETIME_MS), days());
        }
        assert_eq!(kept.0.lock().unwrap().len(), KEPT);
    }
}
