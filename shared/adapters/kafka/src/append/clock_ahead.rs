//! By how much our clock is ahead of the brokers', from what acknowledgements say anyway.

use std::sync::atomic::{AtomicI64, Ordering};

/// Differences between when a message was sent by our clock and when the log took it by the broker's. Each is too small by
/// the time that the message was under way, so the greatest of the last few seconds is nearest.
pub struct ClockAhead {
    now_ms: AtomicI64,
    before_ms: AtomicI64,
}

/// No difference was seen.
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

    /// Since the turn before the last one; `None` if nothing came.
    pub fn lately(&self) -> Option<i64> {
        let ahead_ms = self.now_ms.load(Ordering::Relaxed).max(self.before_ms.load(Ordering::Relaxed));
        (ahead_ms != NONE).then_some(ahead_ms)
    }

    /// Forgets what came before the last turn, and returns what is left. To be called every few seconds.
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
