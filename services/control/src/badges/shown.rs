//! The word of a badge, and what is kept of it: everyone may ask, as often as they like.

use tidegate_agentping::TeamId;
use tidegate_agentping_pulse::agent::AgentStanding;

/// How old the word of a badge may be, in milliseconds. Caches keep the answer for as long.
pub(crate) const KEPT_MS: u64 = 30_000;
/// Badges whose words are kept at a time.
pub(crate) const KEPT: usize = 10_000;

/// The word of a badge, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Shown {
    Down,
    Late,
    Up,
    Unknown,
}

/// A badge as it was read.
#[derive(Clone, Debug)]
pub(crate) struct ReadBadge {
    pub team: TeamId,
    /// Its id.
    pub badge: String,
    pub shown: Shown,
}

impl Shown {
    /// `has_late`: whether the badge shows that an agent is late.
    pub const fn of(state: AgentStanding, has_late: bool) -> Self {
        match state {
            AgentStanding::Down => Shown::Down,
            AgentStanding::Late if has_late => Shown::Late,
            AgentStanding::Up | AgentStanding::Late | AgentStanding::Running => Shown::Up,
            AgentStanding::New | AgentStanding::Unknown | AgentStanding::Paused => Shown::Unknown,
        }
    }

    pub const fn word(self) -> &'static str {
        match self {
            Shown::Down => "down",
            Shown::Late => "late",
            Shown::Up => "up",
            Shown::Unknown => "unknown",
        }
    }

    /// With white text each has a contrast of 4.5 and more.
    pub const fn colour(self) -> &'static str {
        match self {
            Shown::Down => "c62828",
            Shown::Late => "9a5b00",
            Shown::Up => "2e7d32",
            Shown::Unknown => "616161",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_state_comes_first() {
        let mut all = [Shown::Up, Shown::Unknown, Shown::Down, Shown::Late];
        all.sort_unstable();
        assert_eq!(all.map(Shown::word), ["down", "late", "up", "unknown"]);
    }
}
