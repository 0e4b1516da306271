//! Up to when everything that was admitted is applied: from it and a claim's age follows whether its record can still
//! appear in the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tidegate_kernel::Timestamp;
use tidegate_shedding::{Behind, LagReader};

use crate::config::Timeouts;

/// What claims are judged by: the lag, and how long a record takes to land.
pub(crate) struct Applied {
    lag: Arc<LagReader>,
    /// In milliseconds of the steady clock.
    to_ms: AtomicI64,
    store_deadline: Duration,
    lands_after_ms: u64,
}

impl Applied {
    const UNKNOWN: i64 = i64::MIN;

    pub fn new(lag: Arc<LagReader>, timeouts: &Timeouts) -> Self {
        Applied {
            lag,
            to_ms: AtomicI64::new(Applied::UNKNOWN),
            store_deadline: Duration::from_millis(timeouts.store_ms),
            lands_after_ms: timeouts.lands_within_ms.saturating_add(timeouts.clock_skew_ms),
        }
    }

    /// So many milliseconds after it was admitted, a request's record is on the log or never will be.
    pub const fn lands_after_ms(&self) -> u64 {
        self.lands_after_ms
    }

    /// Up to when everything that was admitted is applied, by the steady clock; `None`: not known.
    pub fn to(&self) -> Option<Timestamp> {
        Some(self.to_ms.load(Ordering::Relaxed)).filter(|ms| *ms != Self::UNKNOWN).map(Timestamp::from_millis)
    }

    /// How many milliseconds the oldest record that is not applied has waited, as read now; `None` when that cannot be
    /// read in time.
    pub fn lag_ms(&self) -> impl Future<Output = Option<u64>> + Send + '_ {
        self.lag.age_ms(self.store_deadline)
    }

    /// Notes how far the consumers are behind.
    pub fn note(&self, behind: Behind) {
        let before_ms = i64::try_from(behind.behind_ms.saturating_add(self.lands_after_ms)).unwrap_or(i64::MAX);
        self.to_ms.fetch_max(behind.read_from.as_millis().saturating_sub(before_ms), Ordering::Relaxed);
    }
}
