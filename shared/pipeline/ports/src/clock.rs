//! The clock port.

use std::sync::LazyLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tidegate_kernel::Timestamp;

/// Wall-clock time. Policies get the time from here, so that tests can set it.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Timestamp;

    /// Monotonic time, comparable only within one process. Setting the wall clock does not change it.
    fn steady(&self) -> Timestamp {
        self.now()
    }

    /// Milliseconds by which a test has moved the clock. Systems with their own clock add it to theirs.
    fn moved_ms(&self) -> i64 {
        0
    }

    /// How often a test has moved it, also to where it was.
    fn moves(&self) -> u64 {
        0
    }
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    fn steady(&self) -> Timestamp {
        static BEGAN: LazyLock<(Instant, Timestamp)> = LazyLock::new(|| (Instant::now(), SystemClock.now()));
        let (began, at) = &*BEGAN;
        at.plus_millis(i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steady_time_begins_with_the_wall_clock_and_goes_on() {
        let before = SystemClock.now();
        let (first, second) = (SystemClock.steady(), SystemClock.steady());
        assert!(first <= second);
        assert!(first.millis_since(before) < 60_000 && before.millis_since(first) < 60_000);
    }
}
