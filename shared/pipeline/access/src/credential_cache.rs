//! Credentials that were looked up. Those found hold for two seconds, and for minutes while the store is down; those
//! not found hold for a second, and only so many are kept, so that guessing fills no memory.

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use tidegate_kernel::Timestamp;
use tidegate_ports::{Clock, FailureCause, StoreError};
use tokio::time::Instant;

use crate::coalesce::Coalesce;
use crate::credential_times::CredentialTimes;
use crate::metrics::CREDENTIALS_STALE;
use crate::store_health::StoreHealth;

/// The cache, by the keys that credentials are looked up by. Times are the clock port's.
pub(crate) struct CredentialCache<K, R> {
    clock: Arc<dyn Clock>,
    times: CredentialTimes,
    look_up_within_ms: u64,
    found: Cache<K, Found<R>>,
    /// When each was not found.
    missing: Cache<K, Timestamp>,
    health: Arc<StoreHealth>,
    look_ups: Coalesce<K, Result<Option<Arc<R>>, StoreError>>,
}

struct Found<R> {
    record: Arc<R>,
    looked_up_at: Timestamp,
    /// When the store was last asked, whether or not it answered, and how long that holds.
    asked_at: Timestamp,
    holds_ms: u64,
}

impl<R> Clone for Found<R> {
    fn clone(&self) -> Self {
        Found { record: Arc::clone(&self.record), ..*self }
    }
}

impl<K: Copy + Eq + Hash + Send + Sync + 'static, R: Send + Sync + 'static> CredentialCache<K, R> {
    pub fn new(clock: Arc<dyn Clock>, times: CredentialTimes, look_up_within_ms: u64) -> Self {
        CREDENTIALS_STALE.handle().increment(0);
        CredentialCache {
            clock,
            times,
            look_up_within_ms,
            found: Cache::new(times.found_max),
            missing: Cache::new(times.missing_max),
            health: Arc::default(),
            look_ups: Coalesce::default(),
        }
    }

    pub fn store_health(&self) -> Arc<StoreHealth> {
        Arc::clone(&self.health)
    }

    /// The record of the credential with this key, which `look_up` finds; `None` if it does not exist.
    ///
    /// # Errors
    /// The store is down and no answer is recent enough.
    pub async fn find<F>(&self, key: K, look_up: impl FnOnce() -> F) -> Result<Option<Arc<R>>, StoreError>
    where
        F: Future<Output = Result<Option<R>, StoreError>>,
    {
        let now = self.clock.now();
        let found = self.found.get(&key);
        if let Some(found) = found.as_ref().filter(|found| within(found.asked_at, now, found.holds_ms)) {
            return Ok(Some(Arc::clone(&found.record)));
        }
        if found.is_none() && self.missing.get(&key).is_some_and(|at| within(at, now, self.times.missing_fresh_ms)) {
            return Ok(None);
        }
        self.look_ups.run(key, || self.look_up(key, found, look_up())).await
    }

    async fn look_up(
        &self,
        key: K,
        known: Option<Found<R>>,
        asking: impl Future<Output = Result<Option<R>, StoreError>>,
    ) -> Result<Option<Arc<R>>, StoreError> {
        let (began, deadline) = (Instant::now(), Duration::from_millis(self.look_up_within_ms));
        let answer = tokio::time::timeout(deadline, asking).await;
        let now = self.clock.now();
        match answer.unwrap_or_else(|_| Err(StoreError::Unavailable(FailureCause::timeout("a look-up took too long"))))
        {
            Ok(Some(record)) => {
                let record = Arc::new(record);
                let (looked_up_at, asked_at, holds_ms) = (now, now, self.times.fresh_ms);
                self.found.insert(key, Found { record: Arc::clone(&record), looked_up_at, asked_at, holds_ms });
                Ok(Some(record))
            }
            Ok(None) => {
                self.found.invalidate(&key);
                self.missing.insert(key, now);
                Ok(None)
            }
            Err(error) => {
                self.health.failed(began, deadline);
                let Some(stale) = known.filter(|found| within(found.looked_up_at, now, self.times.stale_ms)) else {
                    return Err(error);
                };
                CREDENTIALS_STALE.handle().increment(1);
                tracing::warn!(kind = %error.kind(), %error, "serving a credential from memory");
                let record = Arc::clone(&stale.record);
                self.found.insert(key, Found { asked_at: now, holds_ms: self.times.retry_ms, ..stale });
                Ok(Some(record))
            }
        }
    }
}

/// Whether less than `span_ms` went by since `at`. A clock that was set back lets nothing stay fresh.
fn within(at: Timestamp, now: Timestamp, span_ms: u64) -> bool {
    at <= now && now.millis_since(at) < span_ms
}
