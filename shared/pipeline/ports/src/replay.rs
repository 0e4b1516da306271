//! The replay ports: read the log outside any group, and append its records again.

use async_trait::async_trait;
use bytes::Bytes;
use tidegate_kernel::{LogKey, Partition, Position, Timestamp};

use crate::{AppendError, Consumed, LogError, Origin};

/// Reads any range of the records topic outside any group. Nothing is committed.
#[async_trait]
pub trait ReadLog: Send + Sync + 'static {
    /// The offset range of every partition now, in their order.
    ///
    /// # Errors
    /// [`LogError`].
    async fn spans(&self) -> Result<Vec<LogSpan>, LogError>;

    /// The first offset of a partition whose record was appended at or after `at`; the end offset where there is none.
    ///
    /// # Errors
    /// [`LogError`].
    async fn offset_at(&self, partition: Partition, at: Timestamp) -> Result<i64, LogError>;

    /// Records of `[from, until)` in offset order: at least one where there is any, then up to about `max_bytes` of
    /// payload. Records that retention has deleted are skipped. Empty if there are none.
    ///
    /// # Errors
    /// [`LogError`].
    async fn read_range(
        &self,
        partition: Partition,
        from: i64,
        until: i64,
        max_bytes: usize,
    ) -> Result<Vec<Consumed>, LogError>;
}

/// The offsets that a log has of one partition: `[first, end)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSpan {
    pub generation: u16,
    pub partition: Partition,
    pub first: i64,
    pub end: i64,
}

/// Appends records of the log again, with their origin.
#[async_trait]
pub trait AppendAgain: Send + Sync + 'static {
    /// Returns when the record is as durable as after [`crate::Append::append`]. Its consumers see its
    /// [`Origin`](crate::Provenance).
    ///
    /// # Errors
    /// [`AppendError`]; append it once more.
    async fn append_again(&self, again: Again) -> Result<Position, AppendError>;
}

/// A record to append again.
#[derive(Clone, Debug)]
pub struct Again {
    /// The key; `None` where the payload has none: the record then goes to the partition of its origin.
    pub key: Option<LogKey>,
    /// The original bytes.
    pub payload: Bytes,
    pub origin: Origin,
}
