//! The rows port: what is derived, and ends by itself after some days.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_kernel::{SmolStr, Timestamp};

use crate::{ScanOrder, StoreError};

/// A kind of rows, and how two writes of one row meet.
#[derive(Debug, PartialEq, Eq)]
pub struct RowTable {
    pub name: &'static str,
    /// Days that a row stays after its last write.
    pub keep_days: u16,
    pub meeting: Meeting,
}

/// Which of two writes of a row stays. A table has one of them for all its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meeting {
    /// The one with the higher rank; rows are written by [`Rows::put`].
    HigherRank,
    /// The first one, whatever comes later; rows are written by [`Rows::insert`].
    First,
}

/// Stores rows.
#[async_trait]
pub trait Rows: Send + Sync + 'static {
    /// Stores each row of a [`Meeting::HigherRank`] table, or that it is removed. Of two writes of one row with the same rank
    /// either stays: whoever writes the same rank writes the same.
    ///
    /// # Errors
    /// [`StoreError`]; some of the rows may be stored. [`StoreError::Refused`]: a row is of another kind of table.
    async fn put(&self, rows: Arc<Vec<RowWrite>>, now: Timestamp) -> Result<(), StoreError>;

    /// Stores each row of a [`Meeting::First`] table unless it is there; says of each whether it was new. The ranks are
    /// not looked at, and nothing is removed.
    ///
    /// # Errors
    /// [`StoreError`]; some of the rows may be stored. [`StoreError::Refused`]: a row is of another kind of table, or is a
    /// removal.
    async fn insert(&self, rows: Arc<Vec<RowWrite>>, now: Timestamp) -> Result<Vec<bool>, StoreError>;

    /// The document of each row, in the order asked; `None`: there is no such row.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn get(&self, keys: &[RowKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError>;

    /// Rows of one shard in the scan's order, at most its limit. To continue, scan again from the last row.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn scan(&self, scan: &RowScan) -> Result<Vec<KeptRow>, StoreError>;

    /// Deletes up to `limit` rows that have ended; returns how many. A store whose rows end by themselves has nothing to
    /// do.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn purge_rows(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError>;
}

/// Names a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowKey {
    pub table: &'static RowTable,
    /// Rows of one shard are stored together, in the order of their names. It must be bounded, for example by a day.
    pub shard: SmolStr,
    pub row: SmolStr,
}

/// A row to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowWrite {
    pub key: RowKey,
    /// Milliseconds of the instant as of which it holds, for example of the watermark.
    pub rank: u64,
    /// `None`: it is removed.
    pub doc: Option<Vec<u8>>,
}

/// A row that a scan found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptRow {
    pub row: SmolStr,
    pub doc: Vec<u8>,
}

/// Which rows of a shard to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowScan {
    pub table: &'static RowTable,
    pub shard: SmolStr,
    /// Only rows that come after this one in the scan's order; `None`: from the first.
    pub after: Option<SmolStr>,
    pub order: ScanOrder,
    pub limit: usize,
}

impl RowWrite {
    /// Whether all rows are of tables with this meeting.
    ///
    /// # Errors
    /// [`StoreError::Refused`].
    pub fn check(rows: &[RowWrite], meeting: Meeting) -> Result<(), StoreError> {
        let wrong =
            |row: &&RowWrite| row.key.table.meeting != meeting || (meeting == Meeting::First && row.doc.is_none());
        let Some(row) = rows.iter().find(wrong) else { return Ok(()) };
        let name = row.key.table.name;
        let cause = format!("a row of {name} is not written by {meeting:?}");
        Err(StoreError::Refused(crate::FailureCause::refused(cause)))
    }

    /// When the row ends, if it is written at `now`.
    pub fn ends_at(&self, now: Timestamp) -> Timestamp {
        now.plus_millis(i64::from(self.key.table.keep_days) * 86_400_000)
    }
}
