//! How many requests of the management API a team may send: its own bucket, in this process.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tidegate_agentping::TeamId;
use tidegate_kernel::Timestamp;

/// A rate and a burst for each team. Requests of other ports do not count.
pub(crate) struct TeamLimit {
    /// Microseconds of the rate that one request takes.
    each_us: i64,
    /// How far ahead of the clock a team may be.
    ahead_us: i64,
    /// Up to when each team has used its rate, in microseconds.
    used: Mutex<HashMap<TeamId, i64>>,
}

/// Teams whose use is remembered at most, before those that are idle are forgotten.
const MANY_TEAMS: usize = 10_000;

impl TeamLimit {
    pub fn new(per_s: u32, burst: u32) -> Self {
        let each_us = 1_000_000 / i64::from(per_s.max(1));
        TeamLimit { each_us, ahead_us: each_us * i64::from(burst.max(1)), used: Mutex::default() }
    }

    /// Takes one request.
    ///
    /// # Errors
    /// None is left: whole seconds until one is, at least 1.
    pub fn take(&self, team: TeamId, now: Timestamp) -> Result<(), u64> {
        let now_us = now.as_millis().saturating_mul(1_000);
        let mut used = self.used();
        if used.len() >= MANY_TEAMS {
            used.retain(|_, until| *until > now_us);
        }
        let until = used.get(&team).copied().unwrap_or(now_us);
        // A clock that was set back does not make a team wait for longer than its burst takes.
        let used_until = until.clamp(now_us, now_us + self.ahead_us);
        let until = used_until + self.each_us;
        if until > now_us + self.ahead_us {
            used.insert(team, used_until);
            let wait_us = until - now_us - self.ahead_us;
            return Err(u64::try_from(wait_us).unwrap_or(0).div_ceil(1_000_000).max(1));
        }
        used.insert(team, until);
        Ok(())
    }

    fn used(&self) -> MutexGuard<'_, HashMap<TeamId, i64>> {
        // A map insert cannot leave a map half changed.
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tidegate_kernel::Region;

    use super::*;

    fn team(number: u128) -> TeamId {
        TeamId::from_bits(Region::Eu, number)
    }

    #[test]
    fn a_burst_is_taken_at_once_and_the_rate_after_it() {
        let limit = TeamLimit::new(20, 100);
        let at = |ms: i64| Timestamp::from_millis(1_800_000_000_000 + ms);
        let taken = |number, ms| (0..1_000).take_while(|_| limit.take(team(number), at(ms)).is_ok()).count();
        assert_eq!((taken(1, 0), taken(1, 0)), (100, 0));
        assert_eq!(limit.take(team(1), at(0)), Err(1));
        assert_eq!(taken(2, 0), 100, "another team has its own");
        assert_eq!((taken(1, 49), taken(1, 50), taken(1, 1_050)), (0, 1, 20));
        assert_eq!(taken(1, 3_600_000), 100);
        assert_eq!(taken(1, 0), 0, "a clock that was set back");
        assert_eq!(taken(1, 5_000), 100, "is waited for no longer than a burst takes");
    }

    #[test]
    fn idle_teams_are_forgotten() {
        let limit = TeamLimit::new(1, 1);
        let at = |ms: i64| Timestamp::from_millis(1_800_000_000_000 + ms);
        for number in 0..MANY_TEAMS as u128 {
            limit.take(team(number), at(0)).unwrap();
        }
        limit.take(team(MANY_TEAMS as u128), at(5_000)).unwrap();
        assert_eq!(limit.used().len(), 1);
    }
}
