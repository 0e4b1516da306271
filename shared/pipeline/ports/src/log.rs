//! The log port: append, consume, and how far consumers are behind.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tidegate_kernel::{Committable, LogKey, Partition, PartitionEpoch, Position, Timestamp};

use crate::{Account, FailureCause, FailureKind};

/// Appends to the records topic.
#[async_trait]
pub trait Append: Send + Sync + 'static {
    /// Appends one encoded record and returns when it is safe: acknowledged by all in-sync replicas, or synced to
    /// disk. All records of one key go to one partition, in the order of their appends.
    ///
    /// # Errors
    /// [`AppendError`] says whether the record may be on the log all the same.
    async fn append(&self, key: LogKey, record: Bytes) -> Result<Position, AppendError>;

    /// The partition that the records of this key go to.
    fn partition_of(&self, key: LogKey) -> Partition;

    /// By how many milliseconds this process's clock is ahead of the log's, as the last acknowledgements showed it;
    /// below 0 if it is behind. `None` where both are one clock, or while nothing was acknowledged lately.
    fn clock_ahead_ms(&self) -> Option<i64> {
        None
    }
}

/// Why a record was not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// It is certain that the record is not on the log and never will be. Only this may release a claim.
    #[error("the log did not take the record: {0}")]
    NotPersisted(#[source] FailureCause),
    /// The record was sent and its fate is not known: it may be on the log now or shortly.
    #[error("the log did not say whether it took the record: {0}")]
    Unknown(#[source] FailureCause),
    /// The record is larger than the log takes. It is not on the log.
    #[error("the record has {bytes} bytes; the log takes {cap}")]
    TooLarge { bytes: usize, cap: usize },
}

impl AppendError {
    /// What kind of failure it is. A [`FailureKind::Timeout`] says nothing about the record: the variant does.
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

/// One member of a consumer group. Partitions come and go.
#[async_trait]
pub trait Consume: Send + 'static {
    /// Waits up to `wait` for something to do. Records of a partition come in offset order, starting after the
    /// group's committed offset, at most about `max_bytes` of payload at once. Cancel safe: dropping the future
    /// loses nothing.
    ///
    /// # Errors
    /// [`LogError`]; polling again is right.
    async fn poll(&mut self, max_bytes: usize, wait: Duration) -> Result<Polled, LogError>;

    /// Commits an offset durably. A commit under a former assignment, or one that goes back, changes nothing.
    ///
    /// # Errors
    /// [`LogError`]; the offset may or may not be committed, and committing again is right.
    async fn commit(&mut self, done: Committable) -> Result<(), LogError>;

    /// Stops (or resumes) fetching a partition without giving it up. Polling goes on.
    fn pause(&mut self, partition: PartitionEpoch, paused: bool);
}

/// What a poll brought.
#[derive(Clone, Debug)]
pub enum Polled {
    /// Records of one partition, in offset order.
    Records(PartitionEpoch, Vec<Consumed>),
    /// A partition is ours from now on.
    Assigned(PartitionEpoch),
    /// These partitions are being taken away: commit what is done within the deadline, then poll on.
    Revoking { partitions: Vec<PartitionEpoch>, deadline: Duration },
    /// These partitions are gone already: nothing of them can be committed any more.
    Lost(Vec<PartitionEpoch>),
    /// Nothing to do.
    Idle,
}

/// A record as read.
#[derive(Clone, Debug)]
pub struct Consumed {
    pub position: Position,
    /// When the log took it.
    pub appended_at: Timestamp,
    /// The encoded record.
    pub payload: Bytes,
    /// What stands beside the payload, where the log keeps anything there.
    pub provenance: Option<Box<Provenance>>,
}

impl Consumed {
    /// A record with nothing beside its payload.
    pub const fn plain(position: Position, appended_at: Timestamp, payload: Bytes) -> Self {
        Consumed { position, appended_at, payload, provenance: None }
    }
}

/// What a log keeps of a record beside its payload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// The key it was appended under, as the log has it; empty where the log keeps none.
    pub key: Bytes,
    /// Its headers, in their order.
    pub headers: Vec<(String, Bytes)>,
    /// Set on a record that was appended again.
    pub origin: Option<Origin>,
}

impl Provenance {
    /// How often the record was given to the consumers: 1 for the first time, one more for each replay.
    pub fn attempt(&self) -> u32 {
        self.origin.map_or(1, |origin| origin.attempt)
    }
}

/// Where a record that was appended again was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    pub position: Position,
    /// 2 for the first replay of a record, 3 for the replay of a replay.
    pub attempt: u32,
}

/// Why the log could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// The log is out of reach for now.
    #[error("the log is unavailable: {0}")]
    Unavailable(#[source] FailureCause),
    /// The log is damaged, or not ours: retrying does not help.
    #[error("the log cannot be used: {0}")]
    Broken(#[source] FailureCause),
}

impl LogError {
    /// What kind of failure it is.
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

/// How far a consumer group is behind.
#[async_trait]
pub trait ReadLag: Send + Sync + 'static {
    /// By what the group has committed alone.
    ///
    /// # Errors
    /// [`LogError`]; the reading is then unknown.
    async fn read(&self) -> Result<Lag, LogError>;

    /// By partition, every partition once, in their order. What these accounts count does not wait, whatever the group
    /// has committed: a group that was deleted has committed nothing, and the store still has everything.
    ///
    /// # Errors
    /// [`LogError`].
    async fn partitions(&self, accounts: &[Account]) -> Result<Vec<PartitionLag>, LogError>;

    /// What about the log is not as this process is configured, in a sentence; `None` where all of it is.
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
    /// The offset that the group reads next: committed, or `first` where it never committed. Below `first` where
    /// retention deleted records before they were applied.
    pub committed: i64,
    /// Everything below is accounted for, committed or not; 0 where there is no account.
    pub accounted: i64,
    /// The offset that the next record gets.
    pub end: i64,
    /// When the oldest record not applied was appended, by the log's clock; `None` when there is none.
    pub oldest_appended_at: Option<Timestamp>,
    /// The log's clock at this reading, as far as it is known: a log with a clock of its own shows it by its newest
    /// record. `None` when nothing waits.
    pub log_time: Option<Timestamp>,
}

impl PartitionLag {
    /// The first offset that the log has and nobody has applied.
    pub fn next(&self) -> i64 {
        self.committed.max(self.accounted).max(self.first)
    }

    /// Records appended and not applied.
    pub fn records(&self) -> u64 {
        u64::try_from(self.end - self.next()).unwrap_or(0)
    }

    /// Whether the log ends before what is accounted for: it lost its end, or the topic was deleted and created again.
    /// What is appended at such offsets now takes the places of records that were applied, and is passed over.
    pub const fn went_back(&self) -> bool {
        self.end < self.accounted
    }

    /// Where the account of this partition ends; 0 where there is none.
    pub fn accounted_in(accounts: &[Account], generation: u16, partition: Partition) -> i64 {
        let of = |account: &&Account| account.generation == generation && account.partition == partition;
        accounts.iter().find(of).map_or(0, |account| account.next_offset)
    }
}

/// One reading, over all partitions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lag {
    /// Records appended and not yet committed by the group.
    pub records: u64,
    /// When the oldest of them was appended; `None` when there are none.
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

/// How long applied log records are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    pub max_age_ms: u64,
    pub max_bytes: u64,
}
