//! Whether the gate answers.

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use tidegate_kernel::Timestamp;

/// Counts failures of the gate. After some in a row no request calls it for a moment, so that a gate that hangs does
/// not cost every request its deadline. Times are the steady clock's.
#[derive(Debug)]
pub(crate) struct GateHealth {
    failures: AtomicU32,
    resting_until_ms: AtomicI64,
}

impl Default for GateHealth {
    fn default() -> Self {
        GateHealth { failures: AtomicU32::new(0), resting_until_ms: AtomicI64::new(i64::MIN) }
    }
}

impl GateHealth {
    const FAILURES_BEFORE_REST: u32 = 3;
    const REST_MS: i64 = 500;

    /// A rest that lies further ahead than rests are long is left over from a clock that was set back.
    pub fn is_resting(&self, now: Timestamp) -> bool {
        let until = self.resting_until_ms.load(Ordering::Relaxed);
        now.as_millis() < until && until <= now.plus_millis(Self::REST_MS).as_millis()
    }

    pub fn answered(&self) {
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    pub fn failed(&self, now: Timestamp) {
        if self.failures.fetch_add(1, Ordering::Relaxed) + 1 >= Self::FAILURES_BEFORE_REST {
            self.resting_until_ms.store(now.plus_millis(Self::REST_MS).as_millis(), Ordering::Relaxed);
        }
    }
}
