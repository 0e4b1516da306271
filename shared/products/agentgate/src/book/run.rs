//! A run that has not ended.

use serde::{Deserialize, Serialize};
use tidegate_kernel::Timestamp;

use crate::command::is_false;
use crate::id::KeyedHash;
use crate::status::{Level, RunStatus};

/// An open run: it has one hold and one slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenRun {
    pub created_at_ms: Timestamp,
    pub hold_cents: u64,
    pub cents_per_iteration: u64,
    /// Where no worker has begun by then, it fails.
    pub pending_until_ms: Timestamp,
    /// Done so far.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub iterations: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<KeyedHash>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_user: Option<KeyedHash>,
    /// Whether its order has a URL that receives its end.
    #[serde(default, skip_serializing_if = "is_false")]
    pub webhook_url: bool,
    /// `None`: it is pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work: Option<Work>,
}

const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// The work on a run, from its first lease on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    pub started_at_ms: Timestamp,
    /// It fails then.
    pub until_ms: Timestamp,
    /// Leases so far; the last one's token.
    pub grants: u32,
    pub max_grants: u32,
    /// `None`: the last one has lapsed, and the run is queued again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
    /// The level under verification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verifying: Option<Level>,
    /// Events of verifications so far, so that no two messages about them have one id.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub verifications: u32,
}

/// The last lease of a run, until it lapses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    pub worker: KeyedHash,
    /// From one renewal to the lapse.
    pub lease_ms: u64,
    pub expires_at_ms: Timestamp,
    /// Whether the worker has reported since it got the lease.
    #[serde(default, skip_serializing_if = "is_false")]
    pub reported: bool,
}

impl OpenRun {
    pub const fn status(&self) -> RunStatus {
        match self.work {
            None => RunStatus::Pending,
            Some(_) => RunStatus::Running,
        }
    }

    pub const fn is_queued(&self) -> bool {
        match &self.work {
            None => true,
            Some(work) => work.lease.is_none(),
        }
    }

    /// The charge if the run ended after so many iterations: never more than its hold.
    pub fn cost_cents(&self, iterations: u32) -> u64 {
        self.cents_per_iteration.saturating_mul(u64::from(iterations)).min(self.hold_cents)
    }
}

impl Work {
    /// The instant so long after `now`, at most the end of the run's time.
    pub fn expiry(&self, now: Timestamp, lease_ms: u64) -> Timestamp {
        after(now, lease_ms).min(self.until_ms)
    }
}

/// The instant `millis` after `from`.
pub(crate) fn after(from: Timestamp, millis: u64) -> Timestamp {
    from.plus_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}
