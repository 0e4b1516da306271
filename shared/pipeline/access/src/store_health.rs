//! Whether reads of the store run into their deadline. While they do, a request that can go without the store does not
//! wait for it: each of its reads would take the whole deadline.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// Notes reads that hang. Reads that are wanted and not needed ask it first. Errors that come at once change nothing.
#[derive(Debug)]
pub struct StoreHealth {
    began: Instant,
    resting_until_ms: AtomicU64,
}

impl Default for StoreHealth {
    fn default() -> Self {
        StoreHealth { began: Instant::now(), resting_until_ms: AtomicU64::new(0) }
    }
}

impl StoreHealth {
    /// As long as a failed look-up of a credential holds: both end together.
    const REST_MS: u64 = 1_000;

    pub fn is_resting(&self) -> bool {
        let until = self.resting_until_ms.load(Ordering::Relaxed);
        until != 0 && self.now_ms() < until
    }

    /// A read that began then has failed. It hung if it took at least half of its deadline; otherwise the store
    /// refused.
    pub fn failed(&self, began: Instant, deadline: Duration) {
        if began.elapsed() * 2 >= deadline {
            self.resting_until_ms.store(self.now_ms() + Self::REST_MS, Ordering::Relaxed);
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_read_that_hung_lets_the_store_rest() {
        let health = StoreHealth::default();
        let now = Instant::now();
        health.failed(now, Duration::from_secs(3_600));
        assert!(!health.is_resting(), "an error that comes at once");
        health.failed(now, Duration::ZERO);
        assert!(health.is_resting());
    }
}
