//! How far the consumers are behind: reads it, and keeps what was read last.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tidegate_kernel::Timestamp;
use tidegate_ports::StoreError;
use tidegate_ports::{Account, Accounts, Append, Clock, FailureCause, Halt, LogError, PartitionLag, ReadLag};
use tokio::time::timeout;

use crate::config::Timeouts;
use crate::ports::AdmissionPorts;

/// The deadline of one read in the background.
const WITHIN: Duration = Duration::from_secs(1);

/// The lag as read last, and what persisters stated in the store.
pub(crate) struct LagReader {
    clock: Arc<dyn Clock>,
    lag: Arc<dyn ReadLag>,
    accounts: Arc<dyn Accounts>,
    append: Arc<dyn Append>,
    applied: Applied,
    stated: Mutex<Arc<Stated>>,
    store_deadline: Duration,
    lands_after_ms: u64,
}

/// What the persisters stated in the store.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stated {
    pub accounts: Vec<Account>,
    pub halts: Vec<Halt>,
}

/// Up to when everything that was admitted is applied, in milliseconds of the steady clock.
struct Applied(AtomicI64);

impl Applied {
    const UNKNOWN: i64 = i64::MIN;

    fn to(&self) -> Option<Timestamp> {
        Some(self.0.load(Ordering::Relaxed)).filter(|ms| *ms != Self::UNKNOWN).map(Timestamp::from_millis)
    }

    fn note(&self, read_from: Timestamp, behind_ms: u64) {
        let behind_ms = i64::try_from(behind_ms).unwrap_or(i64::MAX);
        self.0.fetch_max(read_from.as_millis().saturating_sub(behind_ms), Ordering::Relaxed);
    }
}

impl LagReader {
    pub fn new(ports: &AdmissionPorts, timeouts: &Timeouts) -> Self {
        LagReader {
            clock: Arc::clone(&ports.clock),
            lag: Arc::clone(&ports.lag),
            accounts: Arc::clone(&ports.accounts),
            append: Arc::clone(&ports.append),
            applied: Applied(AtomicI64::new(Applied::UNKNOWN)),
            stated: Mutex::default(),
            store_deadline: Duration::from_millis(timeouts.store_ms),
            lands_after_ms: timeouts.lands_within_ms.saturating_add(timeouts.clock_skew_ms),
        }
    }

    /// So many milliseconds after it was admitted, a request's record is on the log or never will be.
    pub const fn lands_after_ms(&self) -> u64 {
        self.lands_after_ms
    }

    /// Up to when everything that was admitted is applied, by the steady clock; `None`: not known.
    pub fn applied_to(&self) -> Option<Timestamp> {
        self.applied.to()
    }

    /// What persisters stated, as read last.
    pub fn stated(&self) -> Arc<Stated> {
        // The assignment of a pointer is whole.
        self.stated.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads what persisters stated. If it cannot be read, what was read before goes on counting: less is accounted for
    /// by it than is, never more.
    ///
    /// # Errors
    /// The store is down, or did not answer within a second.
    pub async fn read_stated(&self) -> Result<(), StoreError> {
        let read = async { tokio::try_join!(self.accounts.accounts(), self.accounts.halts()) };
        let late = |_| Err(StoreError::Unavailable(FailureCause::timeout("no answer within a second")));
        let (accounts, halts) = timeout(WITHIN, read).await.unwrap_or_else(late)?;
        *self.stated.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(Stated { accounts, halts });
        Ok(())
    }

    /// The partitions' lags, by what persisters stated last.
    ///
    /// # Errors
    /// The log is down, or did not answer within a second.
    pub async fn partitions(&self, stated: &Stated) -> Result<Vec<PartitionLag>, LogError> {
        let late = |_| Err(LogError::Unavailable(FailureCause::timeout("no answer within a second")));
        timeout(WITHIN, self.lag.partitions(&stated.accounts)).await.unwrap_or_else(late)
    }

    /// The same, and notes up to when everything is applied.
    ///
    /// # Errors
    /// The log is down, or did not answer within a second.
    pub async fn note_partitions(&self, stated: &Stated) -> Result<Vec<PartitionLag>, LogError> {
        let (read_from, asked_at) = (self.clock.steady(), self.clock.now());
        let lags = self.partitions(stated).await?;
        self.applied.note(read_from, self.behind_ms(&lags, asked_at).saturating_add(self.lands_after_ms));
        Ok(lags)
    }

    /// How many milliseconds the oldest record that is not applied has waited, as read now; `None` when that cannot be
    /// read in time.
    pub async fn age_ms(&self) -> Option<u64> {
        let (asked_at, stated) = (self.clock.now(), self.stated());
        let lags = timeout(self.store_deadline, self.lag.partitions(&stated.accounts)).await.ok()?.ok()?;
        Some(self.behind_ms(&lags, asked_at))
    }

    /// How the log differs from what is configured; `Err` when that cannot be read within a second.
    pub async fn mismatch(&self) -> Result<Option<String>, LogError> {
        let late = |_| Err(LogError::Unavailable(FailureCause::timeout("no answer within a second")));
        timeout(WITHIN, self.lag.mismatch()).await.unwrap_or_else(late)
    }

    /// How long ago the oldest record that is not applied was appended, at the most: its time is by the log's clock,
    /// and what is known of the difference to ours is too small rather than too large.
    fn behind_ms(&self, lags: &[PartitionLag], asked_at: Timestamp) -> u64 {
        let oldest = lags.iter().filter_map(|lag| lag.oldest_appended_at).min();
        let ahead_ms = self.append.clock_ahead_ms().unwrap_or(0);
        oldest.map_or(0, |oldest| asked_at.millis_since(oldest.plus_millis(ahead_ms)))
    }
}
