//! Queues of which a lease got no run, though their rows have some.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tidegate_agentgate::OrgId;
use tidegate_agentgate::views::OpenShardRow;
use tokio::time::Instant;

/// The longest time for which a row is not asked about again, from when the lease that found nothing was asked for.
const LONGEST_REST: Duration = Duration::from_secs(10);

/// Rows of `open_shards` whose leases found nothing: for a while, no lease is asked for by the same row. A row that is
/// newer than the lease's decision differs from it, so that a new run waits for nothing. Without this, a row whose
/// removal a store has lost would have each waiting worker append a lease with every look. A row whose lease was
/// refused rests, too, for a shorter while.
pub(crate) struct FoundEmpty {
    rest: Duration,
    rows: Mutex<HashMap<OrgId, (OpenShardRow, Instant)>>,
}

impl FoundEmpty {
    /// For leases of this length. A run whose lease lapses may bring the same row again, so a row rests for less.
    pub fn new(lease: Duration) -> Self {
        FoundEmpty { rest: LONGEST_REST.min(lease / 2), rows: Mutex::default() }
    }

    /// A lease that was asked for by this row at that time found nothing. The decision may have taken long, and the row
    /// may have come back since.
    pub(super) fn note(&self, org: OrgId, row: OpenShardRow, asked_at: Instant) {
        self.note_for(org, row, asked_at, self.rest);
    }

    /// The row rests for so long, from when a lease by it was asked for.
    pub(super) fn note_for(&self, org: OrgId, row: OpenShardRow, asked_at: Instant, rest: Duration) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.retain(|_, (_, until)| asked_at < *until);
        rows.insert(org, (row, asked_at + rest));
    }

    /// Whether no lease is asked for by this very row now.
    pub(super) fn rests(&self, org: OrgId, row: &OpenShardRow, now: Instant) -> bool {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.get(&org).is_some_and(|(known, until)| known == row && now < *until)
    }
}

#[cfg(test)]
mod tests {
    use tidegate_agentgate::views;
    use tidegate_kernel::Timestamp;

    use super::*;

    fn row(at_ms: i64) -> OpenShardRow {
        let oldest_at_ms = Timestamp::from_millis(at_ms);
        OpenShardRow { oldest: views::queue_shard(oldest_at_ms), oldest_at_ms, queued: 1 }
    }

    #[test]
    fn a_row_rests_for_a_while_and_a_new_one_does_not() {
        let (org, other) = (OrgId::from_bits(1), OrgId::from_bits(2));
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        let found_empty = FoundEmpty::new(Duration::from_secs(60));
        assert!(!found_empty.rests(org, &row(1), at(0)));
        found_empty.note(org, row(1), at(0));
        assert!(found_empty.rests(org, &row(1), at(9)) && !found_empty.rests(org, &row(1), at(10)));
        assert!(!found_empty.rests(org, &row(2), at(0)) && !found_empty.rests(other, &row(1), at(0)));
        found_empty.note(other, row(1), at(10));
        assert_eq!(found_empty.rows.lock().unwrap().len(), 1, "rows that have rested are forgotten");
        found_empty.note(other, row(2), at(11));
        assert!(found_empty.rests(other, &row(2), at(20)) && !found_empty.rests(other, &row(1), at(11)));
    }

    #[test]
    fn a_row_rests_for_less_than_a_lease() {
        let (org, now) = (OrgId::from_bits(1), Instant::now());
        let found_empty = FoundEmpty::new(Duration::from_secs(2));
        found_empty.note(org, row(1), now);
        assert!(!found_empty.rests(org, &row(1), now + Duration::from_secs(1)));
    }
}
