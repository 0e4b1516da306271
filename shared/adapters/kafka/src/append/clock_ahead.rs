//! Estimates how far our clock is ahead of the brokers', from the append times in acknowledgements.

use std::sync::atomic::{AtomicI64, Ordering};

/// The greatest recent difference in milliseconds between a message's send time by our clock and its append time by the
/// broker's. Each difference is too small by the transfer time, so the greatest one of a few seconds is the best
/// estimate.
pub struct ClockAhead {
    now_ms: AtomicI64,
    before_ms: AtomicI64,
}

/// No difference was measured.
const NONE: i64 = i64::MIN;

impl Default for ClockAhead {
    fn default() -> Self {
        ClockAhead { now_ms: AtomicI64::new(NONE), before_ms: AtomicI64::new(NONE) }
    }
}

impl ClockAhead {
    pub fn note(&self, ahead_ms: i64) {
        self.now_ms.fetch_max(ahead_ms, Ordering::Relaxed);
    }

    /// The greatest difference since the turn before the last one; `None` if there is none.
    pub fn lately(&self) -> Option<i64> {
        let ahead_ms = self.now_ms.load(Ordering::Relaxed).max(self.before_ms.load(Ordering::Relaxed));
        (ahead_ms != NONE).then_some(ahead_ms)
    }

    /// Drops the differences from before the last turn and returns the greatest one left. Call it every few seconds.
    pub fn turn(&self) -> Option<i64> {
        let lately = self.lately();
        self.before_ms.store(self.now_ms.swap(NONE, Ordering::Relaxed), Ordering::Relaxed);
        lately
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_of_the_last_two_turns_counts() {
        let ahead = ClockAhead::default();
        assert_eq!((ahead.lately(), ahead.turn()), (None, None));
        [-150_020, -150_003, -150_900].into_iter().for_each(|ms| ahead.note(ms));
        assert_eq!((ahead.lately(), ahead.turn()), (Some(-150_003), Some(-150_003)));
        ahead.note(-7);
        assert_eq!(ahead.turn(), Some(-7));
        ahead.note(-9_000);
        assert_eq!(ahead.turn(), Some(-7), "of the turn before");
        assert_eq!((ahead.turn(), ahead.turn()), (Some(-9_000), None));
    }
}
