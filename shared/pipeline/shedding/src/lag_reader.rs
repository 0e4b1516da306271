//! How far the consumers are behind: reads it, by what they stated last.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tidegate_kernel::Timestamp;
use tidegate_ports::StoreError;
use tidegate_ports::{Account, Accounts, Append, Clock, FailureCause, Halt, LogError, PartitionLag, ReadLag};
use tokio::time::timeout;

/// The deadline of one read in the background.
const WITHIN: Duration = Duration::from_secs(1);

/// The ports that the lag is read by.
#[derive(Clone)]
pub struct LagPorts {
    pub clock: Arc<dyn Clock>,
    pub lag: Arc<dyn ReadLag>,
    /// What the consumers state of each partition: how far it is applied, and where it is halted.
    pub accounts: Arc<dyn Accounts>,
    /// Knows how far the log's clock is ahead.
    pub append: Arc<dyn Append>,
}

/// Reads the lag, by what consumers stated in the store.
pub struct LagReader {
    ports: LagPorts,
    stated: Mutex<Arc<Stated>>,
}

/// What the consumers stated in the store.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stated {
    pub accounts: Vec<Account>,
    pub halts: Vec<Halt>,
}

/// How far the consumers are behind: what was on the log `behind_ms` before `read_from` is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behind {
    /// When reading began, by the steady clock.
    pub read_from: Timestamp,
    /// For how long the oldest record that is not applied has waited, at the most.
    pub behind_ms: u64,
}

impl LagReader {
    pub fn new(ports: LagPorts) -> Self {
        LagReader { ports, stated: Mutex::default() }
    }

    /// What consumers stated, as read last.
    pub(crate) fn stated(&self) -> Arc<Stated> {
        // The assignment of a pointer is whole.
        self.stated.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads what consumers stated. If it cannot be read, what was read before keeps counting: less is accounted for
    /// by it than is, never more.
    ///
    /// # Errors
    /// The store is down, or did not answer within a second.
    pub(crate) async fn read_stated(&self) -> Result<(), StoreError> {
        let read = async { tokio::try_join!(self.ports.accounts.accounts(), self.ports.accounts.halts()) };
        let late = |_| Err(StoreError::Unavailable(FailureCause::timeout("no answer within a second")));
        let (accounts, halts) = timeout(WITHIN, read).await.unwrap_or_else(late)?;
        *self.stated.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(Stated { accounts, halts });
        Ok(())
    }

    /// The partitions' lags, by what consumers stated last.
    ///
    /// # Errors
    /// The log is down, or did not answer within a second.
    pub(crate) async fn partitions(&self, stated: &Stated) -> Result<Vec<PartitionLag>, LogError> {
        let late = |_| Err(LogError::Unavailable(FailureCause::timeout("no answer within a second")));
        timeout(WITHIN, self.ports.lag.partitions(&stated.accounts)).await.unwrap_or_else(late)
    }

    /// The same, and how far the consumers are behind.
    ///
    /// # Errors
    /// The log is down, or did not answer within a second.
    pub(crate) async fn read(&self, stated: &Stated) -> Result<(Vec<PartitionLag>, Behind), LogError> {
        let (read_from, asked_at) = (self.ports.clock.steady(), self.ports.clock.now());
        let lags = self.partitions(stated).await?;
        let behind_ms = self.behind_ms(&lags, asked_at);
        Ok((lags, Behind { read_from, behind_ms }))
    }

    /// How many milliseconds the oldest record that is not applied has waited, as read now; `None` when that cannot be
    /// read within this time.
    pub async fn age_ms(&self, within: Duration) -> Option<u64> {
        let (asked_at, stated) = (self.ports.clock.now(), self.stated());
        let lags = timeout(within, self.ports.lag.partitions(&stated.accounts)).await.ok()?.ok()?;
        Some(self.behind_ms(&lags, asked_at))
    }

    /// How the log differs from what is configured; `Err` when that cannot be read within a second.
    pub(crate) async fn mismatch(&self) -> Result<Option<String>, LogError> {
        let late = |_| Err(LogError::Unavailable(FailureCause::timeout("no answer within a second")));
        timeout(WITHIN, self.ports.lag.mismatch()).await.unwrap_or_else(late)
    }

    /// How long ago the oldest record that is not applied was appended, at the most: its time is by the log's clock,
    /// and what is known of the difference to ours is too small rather than too large.
    fn behind_ms(&self, lags: &[PartitionLag], asked_at: Timestamp) -> u64 {
        let oldest = lags.iter().filter_map(|lag| lag.oldest_appended_at).min();
        let ahead_ms = self.ports.append.clock_ahead_ms().unwrap_or(0);
        oldest.map_or(0, |oldest| asked_at.millis_since(oldest.plus_millis(ahead_ms)))
    }
}
