//! Whether a credential is valid: looked up, found, not expired.

use std::hash::Hash;
use std::sync::Arc;

use tidegate_kernel::{Outage, Timestamp};
use tidegate_ports::{Clock, StoreError};

use crate::credential_cache::CredentialCache;
use crate::credential_times::CredentialTimes;
use crate::store_health::StoreHealth;

/// Why there is no record for a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessRefusal {
    /// The credential is unknown, was revoked, or has expired.
    Unknown,
    /// It could not be looked up, and no recent answer is at hand: the store is down.
    Unavailable { retry_after_s: u64 },
}

/// The records of valid credentials, by the keys that they are looked up by.
pub struct Access<K, R> {
    clock: Arc<dyn Clock>,
    cache: CredentialCache<K, R>,
    outage: Outage,
    expires_at: fn(&R) -> Option<Timestamp>,
}

impl<K: Copy + Eq + Hash + Send + Sync + 'static, R: Send + Sync + 'static> Access<K, R> {
    /// `look_up_within_ms`: the deadline of one look-up. `expires_at`: from when on a record is no longer valid.
    /// Registers its counter, so that a scrape finds it at zero.
    pub fn new(
        clock: Arc<dyn Clock>,
        times: CredentialTimes,
        look_up_within_ms: u64,
        expires_at: fn(&R) -> Option<Timestamp>,
    ) -> Self {
        let cache = CredentialCache::new(Arc::clone(&clock), times, look_up_within_ms);
        Access { clock, cache, outage: Outage::default(), expires_at }
    }

    /// Whether look-ups hang: other reads of the same store would, too.
    pub fn store_health(&self) -> Arc<StoreHealth> {
        self.cache.store_health()
    }

    /// The record of the credential with this key. `look_up` asks the product's table, if no recent answer is at hand.
    ///
    /// # Errors
    /// [`AccessRefusal`].
    pub async fn find<F>(&self, key: K, look_up: impl FnOnce() -> F) -> Result<Arc<R>, AccessRefusal>
    where
        F: Future<Output = Result<Option<R>, StoreError>>,
    {
        let found = self.cache.find(key, look_up).await.map_err(|error| {
            tracing::warn!(kind = %error.kind(), %error, "a credential cannot be looked up");
            AccessRefusal::Unavailable { retry_after_s: self.outage.failed(self.clock.now()) }
        })?;
        let record = found.ok_or(AccessRefusal::Unknown)?;
        if (self.expires_at)(&record).is_some_and(|expires_at| expires_at <= self.clock.now()) {
            return Err(AccessRefusal::Unknown);
        }
        Ok(record)
    }
}
