//! A clock for tests.

use std::sync::atomic::{AtomicI64, Ordering};

use tidegate_kernel::Timestamp;
use tidegate_ports::Clock;

/// A settable clock: its time changes only by a call.
#[derive(Debug)]
pub struct TestClock(AtomicI64);

impl TestClock {
    pub const fn at(now: Timestamp) -> Self {
        TestClock(AtomicI64::new(now.as_millis()))
    }

    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_millis(), Ordering::SeqCst);
    }

    pub fn advance_ms(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}
