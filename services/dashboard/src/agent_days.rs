//! What an agent did day by day: its runs of the last 30 days, those that failed, and what they cost. It takes a walk through
//! its runs, so it is kept for a while: a page of an agent is renewed every two seconds.

use tidegate_kernel::{Timestamp, Usd};

/// How old what is shown may be.
pub(crate) const LIFETIME_MS: u64 = 30_000;
/// Agents whose days are kept.
pub(crate) const KEPT: usize = 200;

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

impl Days {
    /// Whether nothing ran.
    pub fn is_empty(&self) -> bool {
        self.days.iter().all(|day| day.runs == 0)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tidegate_agentping_testkit::{NOON, slug, team};
    use tidegate_control::kept_answers::KeptAnswers;

    use super::*;

    #[test]
    fn days_are_kept_for_their_lifetime() {
        let kept = KeptAnswers::new(KEPT);
        let agent = (team(1), slug("nightly"));
        let days = || Arc::new(Days { days: Vec::new(), looked_at_since: None });
        assert_eq!(kept.known(&agent, NOON), None);
        kept.keep(agent.clone(), NOON, LIFETIME_MS, days());
        let after = |ms: u64| NOON.plus_millis(ms as i64);
        assert!(kept.known(&agent, after(LIFETIME_MS - 1)).is_some());
        assert!(kept.known(&agent, after(LIFETIME_MS)).is_none());
        assert!(kept.known(&(team(2), slug("nightly")), NOON).is_none());
        let agents: Vec<_> = (0..2 * KEPT).map(|number| (team(1), slug(&number.to_string()))).collect();
        for agent in &agents {
            kept.keep(agent.clone(), after(LIFETIME_MS), LIFETIME_MS, days());
        }
        let known = agents.iter().filter(|agent| kept.known(agent, after(LIFETIME_MS)).is_some());
        assert_eq!(known.count(), KEPT);
    }
}
