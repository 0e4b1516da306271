//! The log port: append, consume, and the lag of consumers.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tidegate_kernel::{Committable, LogKey, Partition, PartitionEpoch, Position, Timestamp};

use crate::{Account, FailureCause, FailureKind};

/// Appends to the records topic.
#[async_trait]
pub trait Append: Send + Sync + 'static {
    /// Appends one encoded record and returns when it is durable: acknowledged by all in-sync replicas, or synced to
    /// disk. All records of one key go to one partition, in the order of their appends.
    ///
    /// # Errors
    /// [`AppendError`] says whether the record may be on the log despite the error.
    async fn append(&self, key: LogKey, record: Bytes) -> Result<Position, AppendError>;

    /// Appends a command that follows from the one at `cause`, and says so on the record where the log has room for it.
    ///
    /// # Errors
    /// As [`Append::append`].
    async fn append_effect(&self, key: LogKey, record: Bytes, _cause: Position) -> Result<Position, AppendError> {
        self.append(key, record).await
    }

    /// The partition that the records of this key go to.
    fn partition_of(&self, key: LogKey) -> Partition;

    /// Milliseconds by which this process's clock is ahead of the log's, from recent acknowledgements; negative if it
    /// is behind. `None` where both use the same clock, or if nothing was acknowledged lately.
    fn clock_ahead_ms(&self) -> Option<i64> {
        None
    }
}

/// Why a record was not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The record is certainly not on the log and never will be. Only this error may release a claim.
    #[error("the log did not take the record: {0}")]
    NotPersisted(#[source] FailureCause),
    /// The record was sent and the outcome is unknown: it may be on the log now or shortly.
    #[error("the log did not say whether it took the record: {0}")]
    Unknown(#[source] FailureCause),
    /// The record is larger than the log takes. It is not on the log.
    #[error("the record has {bytes} bytes; the log takes {cap}")]
    TooLarge { bytes: usize, cap: usize },
}

impl AppendError {
    /// The kind of the failure. Whether the record may be on the log follows from the variant, not from the kind.
    pub const fn kind(&self) -> FailureKind {
        match self {
            AppendError::NotPersisted(cause) | AppendError::Unknown(cause) => cause.kind(),
            AppendError::TooLarge { .. } => FailureKind::Refused,
        }
    }
}

impl From<&AppendError> for FailureKind {
    fn from(error: &AppendError) -> Self {
        error.kind()
    }
}

/// One member of a consumer group. Its partitions change over time.
#[async_trait]
pub trait Consume: Send + 'static {
    /// Waits up to `wait` for records or an assignment change. Records of a partition come in offset order, starting at
    /// the group's committed offset, at most about `max_bytes` of payload at once. Cancel safe: dropping the future
    /// loses nothing.
    ///
    /// # Errors
    /// [`LogError`]; poll again.
    async fn poll(&mut self, max_bytes: usize, wait: Duration) -> Result<Polled, LogError>;

    /// Commits an offset durably. A commit under a former assignment, or of a lower offset, changes nothing.
    ///
    /// # Errors
    /// [`LogError`]; the offset may or may not be committed. Commit again.
    async fn commit(&mut self, done: Committable) -> Result<(), LogError>;

    /// Pauses or resumes fetching a partition without giving it up. Polling continues.
    fn pause(&mut self, partition: PartitionEpoch, paused: bool);
}

/// The result of a poll.
#[derive(Clone, Debug)]
pub enum Polled {
    /// Records of one partition, in offset order.
    Records(PartitionEpoch, Vec<Consumed>),
    /// A partition was assigned to this member.
    Assigned(PartitionEpoch),
    /// These partitions are being revoked: commit what is done within the deadline, then poll again.
    Revoking { partitions: Vec<PartitionEpoch>, deadline: Duration },
    /// These partitions are already assigned to others: nothing of them can be committed.
    Lost(Vec<PartitionEpoch>),
    /// No record and no change came within the wait.
    Idle,
}

/// A record as a consumer reads it.
#[derive(Clone, Debug)]
pub struct Consumed {
    pub position: Position,
    /// When the log accepted the record.
    pub appended_at: Timestamp,
    /// The encoded record.
    pub payload: Bytes,
    /// Key and headers, if the log keeps them.
    pub provenance: Option<Box<Provenance>>,
}

impl Consumed {
    /// A record without key and headers.
    pub const fn plain(position: Position, appended_at: Timestamp, payload: Bytes) -> Self {
        Consumed { position, appended_at, payload, provenance: None }
    }
}

/// A record's key, headers and origin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// The key of the append; empty where the log keeps none.
    pub key: Bytes,
    /// The record's headers, in their order.
    pub headers: Vec<(String, Bytes)>,
    /// Set on a replayed record.
    pub origin: Option<Origin>,
}

impl Provenance {
    /// How many times the record was delivered: 1 for the first time, plus one for each replay.
    pub fn attempt(&self) -> u32 {
        self.origin.map_or(1, |origin| origin.attempt)
    }
}

/// Where a replayed record was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    pub position: Position,
    /// 2 for the first replay of a record, 3 for the replay of a replay.
    pub attempt: u32,
}

/// Why the log could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// The log cannot be used now; a later retry may succeed.
    #[error("the log is unavailable: {0}")]
    Unavailable(#[source] FailureCause),
    /// The log is damaged or belongs to another deployment: a retry does not help.
    #[error("the log cannot be used: {0}")]
    Broken(#[source] FailureCause),
}

impl LogError {
    /// The kind of the failure.
    pub const fn kind(&self) -> FailureKind {
        match self {
            LogError::Unavailable(cause) => cause.kind(),
            LogError::Broken(_) => FailureKind::Broken,
        }
    }
}

impl From<&LogError> for FailureKind {
    fn from(error: &LogError) -> Self {
        error.kind()
    }
}

/// Measures how far a consumer group is behind.
#[async_trait]
pub trait ReadLag: Send + Sync + 'static {
    /// The lag over all partitions, by committed offsets only.
    ///
    /// # Errors
    /// [`LogError`]; the lag is then unknown.
    async fn read(&self) -> Result<Lag, LogError>;

    /// The lag of every partition, in their order. Records counted in these accounts are not behind, whatever the group
    /// has committed: a deleted group has no committed offsets although the store has the records.
    ///
    /// # Errors
    /// [`LogError`].
    async fn partitions(&self, accounts: &[Account]) -> Result<Vec<PartitionLag>, LogError>;

    /// A sentence that says how the log differs from this process's configuration; `None` where it does not.
    ///
    /// # Errors
    /// [`LogError`].
    async fn mismatch(&self) -> Result<Option<String>, LogError> {
        Ok(None)
    }
}

/// How far a group is behind in one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionLag {
    pub generation: u16,
    pub partition: Partition,
    /// The first offset that the log still has.
    pub first: i64,
    /// The offset that the group reads next: the committed one, or `first` where it never committed. Below `first`
    /// where retention deleted records before they were applied.
    pub committed: i64,
    /// All records below this offset are accounted for, committed or not; 0 where there is no account.
    pub accounted: i64,
    /// The offset that the next appended record gets.
    pub end: i64,
    /// When the oldest unapplied record was appended, by the log's clock; `None` when there is none.
    pub oldest_appended_at: Option<Timestamp>,
    /// The log's clock at this measurement, as far as known: the append time of the newest record for a log with its
    /// own clock. `None` when all records are applied.
    pub log_time: Option<Timestamp>,
}

impl PartitionLag {
    /// The first offset that the log still has and that is not applied.
    pub fn next(&self) -> i64 {
        self.committed.max(self.accounted).max(self.first)
    }

    /// How many records are appended and not applied.
    pub fn records(&self) -> u64 {
        u64::try_from(self.end - self.next()).unwrap_or(0)
    }

    /// Whether the log ends below the accounted offset: it lost its end, or the topic was deleted and created again.
    /// Records appended at such offsets are skipped, since the account already counts their offsets.
    pub const fn went_back(&self) -> bool {
        self.end < self.accounted
    }

    /// The end offset of this partition's account; 0 where there is none.
    pub fn accounted_in(accounts: &[Account], generation: u16, partition: Partition) -> i64 {
        let of = |account: &&Account| account.generation == generation && account.partition == partition;
        accounts.iter().find(of).map_or(0, |account| account.next_offset)
    }
}

/// One measurement of the lag, over all partitions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lag {
    /// Records appended and not yet committed by the group.
    pub records: u64,
    /// When the oldest of these records was appended; `None` when there are none.
    pub oldest_appended_at: Option<Timestamp>,
    pub read_at: Timestamp,
}

impl Lag {
    /// The sum over all partitions.
    pub fn over(partitions: &[PartitionLag], read_at: Timestamp) -> Self {
        Lag {
            records: partitions.iter().map(PartitionLag::records).sum(),
            oldest_appended_at: partitions.iter().filter_map(|lag| lag.oldest_appended_at).min(),
            read_at,
        }
    }
}

/// How long log records are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    pub max_age_ms: u64,
    pub max_bytes: u64,
}
