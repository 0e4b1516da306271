//! Leases that were granted and perhaps never reached their workers: one that asks again gets the same.

use std::time::Duration;

use moka::sync::Cache;
use tidegate_agentgate::{KeyedHash, OrgId};

/// Workers remembered at most.
const KEPT_MAX: u64 = 10_000;

/// The organization whose run each worker was offered last. Forgotten with the lease.
pub(crate) struct Offers(Cache<KeyedHash, OrgId>);

impl Offers {
    pub fn new(lease: Duration) -> Self {
        Offers(Cache::builder().max_capacity(KEPT_MAX).time_to_live(lease).build())
    }

    pub fn note(&self, worker: KeyedHash, org: OrgId) {
        self.0.insert(worker, org);
    }

    /// The organization to ask first; each offer is looked at once.
    pub fn take(&self, worker: KeyedHash) -> Option<OrgId> {
        self.0.remove(&worker)
    }
}
