//! How fast records are appended again. Pure: the time is an argument.

use std::time::Duration;

/// Grants so many records a second, and never more than a tenth of that at once.
#[derive(Debug)]
pub struct Pacer {
    /// Time between two records, in nanoseconds.
    interval_nanos: u64,
    /// What is saved up at most while no records are asked for, in nanoseconds.
    burst_nanos: u64,
    /// When the next record would be due if none had been saved up, in nanoseconds.
    due_nanos: u64,
}

/// The pacer's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// So many now; at least one.
    Now(usize),
    /// None before this time has passed.
    In(Duration),
}

const SECOND_NANOS: u64 = 1_000_000_000;

impl Pacer {
    /// `per_second` is at least 1.
    pub fn new(per_second: u32) -> Self {
        let interval_nanos = SECOND_NANOS / u64::from(per_second.max(1));
        Pacer { interval_nanos, burst_nanos: interval_nanos.max(SECOND_NANOS / 10), due_nanos: 0 }
    }

    /// Asks for `wanted` records (at least 1), `at` so long after the beginning.
    pub fn grant(&mut self, at: Duration, wanted: usize) -> Grant {
        let at = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
        self.due_nanos = self.due_nanos.max(at.saturating_sub(self.burst_nanos));
        let saved = at.saturating_sub(self.due_nanos) / self.interval_nanos;
        if saved == 0 {
            return Grant::In(Duration::from_nanos(self.due_nanos + self.interval_nanos - at));
        }
        let granted = saved.min(wanted.max(1) as u64);
        self.due_nanos += granted * self.interval_nanos;
        // At most what was wanted.
        Grant::Now(granted as usize)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_rate_is_kept_and_a_pause_is_not_made_up_for() {
        let at = Duration::from_millis;
        let mut pacer = Pacer::new(1_000);
        assert_eq!(pacer.grant(at(0), 10), Grant::In(at(1)));
        assert_eq!(pacer.grant(at(5), 10), Grant::Now(5));
        assert_eq!(pacer.grant(at(5), 10), Grant::In(at(1)));
        assert_eq!(pacer.grant(at(50), 3), Grant::Now(3));
        assert_eq!(pacer.grant(at(50), 100), Grant::Now(42));
        // An hour of waiting is worth a tenth of a second.
        assert_eq!(pacer.grant(at(3_600_000), 5_000), Grant::Now(100));
        let mut slow = Pacer::new(1);
        assert_eq!(slow.grant(at(400), 10), Grant::In(at(600)));
        assert_eq!(slow.grant(at(1_000), 10), Grant::Now(1));
        assert_eq!(slow.grant(at(1_000), 10), Grant::In(at(1_000)));
    }

    proptest! {
        #[test]
        fn never_more_than_the_rate_and_always_something(per_second in 1u32..100_000, asks in prop::collection::vec((0u64..300, 1usize..2_000), 1..60)) {
            let (mut pacer, mut at_ms, mut granted) = (Pacer::new(per_second), 0, 0u64);
            for (after_ms, wanted) in asks {
                at_ms += after_ms;
                match pacer.grant(Duration::from_millis(at_ms), wanted) {
                    Grant::Now(some) => {
                        prop_assert!((1..=wanted).contains(&some));
                        granted += some as u64;
                    }
                    Grant::In(wait) => {
                        prop_assert!(!wait.is_zero());
                        let then = Duration::from_millis(at_ms) + wait;
                        let mut later = Pacer { ..pacer };
                        prop_assert!(matches!(later.grant(then, 1), Grant::Now(1)), "it holds what it promised");
                    }
                }
                // Rounding the interval down gives at most one in ten thousand more.
                let due = u128::from(per_second) * u128::from(at_ms) / 1_000;
                prop_assert!(u128::from(granted) <= due + due / 10_000 + 1);
            }
        }
    }
}
