//! The log port: append, consume, and how far consumers are behind.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tidegate_domain::{Committable, PartitionEpoch, Position, RunKey, Timestamp};

/// Appends to the records topic.
#[async_trait]
pub trait Append: Send + Sync + 'static {
    /// Appends one encoded record and returns when it is safe: acknowledged by all in-sync replicas, or synced to
    /// disk. All records of one key go to one partition, in the order of their appends.
    ///
    /// # Errors
    /// [`AppendError`] says whether the record may be on the log all the same.
    async fn append(&self, key: RunKey, record: Bytes) -> Result<Position, AppendError>;
}

/// Why a record was not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// It is certain that the record is not on the log and never will be. Only this may release a claim.
    #[error("the log did not take the record: {0}")]
    NotPersisted(String),
    /// The record was sent and its fate is not known: it may be on the log now or shortly.
    #[error("the log did not say whether it took the record: {0}")]
    Unknown(String),
    /// The record is larger than the log takes. It is not on the log.
    #[error("the record has {bytes} bytes; the log takes {cap}")]
    TooLarge { bytes: usize, cap: usize },
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
}

/// Why the log could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// The log is out of reach for now.
    #[error("the log is unavailable: {0}")]
    Unavailable(String),
    /// The log is damaged, or not ours: retrying does not help.
    #[error("the log cannot be used: {0}")]
    Broken(String),
}

/// How far a consumer group is behind.
#[async_trait]
pub trait ReadLag: Send + Sync + 'static {
    /// # Errors
    /// [`LogError`]; the reading is then unknown.
    async fn read(&self) -> Result<Lag, LogError>;
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
    /// Milliseconds since the oldest unapplied record was appended; 0 when there is none.
    pub fn age_ms(&self, now: Timestamp) -> u64 {
        self.oldest_appended_at.map_or(0, |oldest| now.millis_since(oldest))
    }
}
