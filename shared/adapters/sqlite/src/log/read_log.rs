//! Reads any part of the log, as no member of any group, also while another process owns the log.

use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::Connection;
use tidegate_kernel::{Partition, Timestamp};
use tidegate_ports::{Account, Clock, Consumed, Lag, LogError, LogSpan, PartitionLag, ReadLag, ReadLog};

use super::rows;
use super::schema::{self, Bounds, GENERATION};
use crate::folder::{self, DataFolder};
use crate::read_only::ReadOnlyFile;
use crate::sqlite::SqliteError;

/// The log of a folder, for reading only. It need not be ours: another process may own the folder and keep writing.
/// What that one has not yet acknowledged to its callers may be seen already; it is on disk then.
#[derive(Clone)]
pub struct EmbeddedReadLog {
    file: Arc<ReadOnlyFile>,
    partitions: u32,
}

impl EmbeddedReadLog {
    /// # Errors
    /// [`SqliteError`].
    pub fn open(folder: &DataFolder) -> Result<Self, SqliteError> {
        let file = ReadOnlyFile::open(folder, folder::LOG, schema::MIGRATIONS)?;
        Ok(EmbeddedReadLog { file: Arc::new(file), partitions: folder.partitions() })
    }

    /// Reads how far a group is behind, from the file.
    pub fn lag(&self, group: &str, clock: Arc<dyn Clock>) -> EmbeddedReadLag {
        EmbeddedReadLag { log: self.clone(), group: group.to_owned(), clock }
    }

    /// A log that no service was ever started on is an empty one.
    fn bounds(&self, found: Option<Vec<Bounds>>) -> Vec<Bounds> {
        found.unwrap_or_else(|| vec![Bounds { first: 0, end: 0 }; self.partitions as usize])
    }

    fn check(&self, partition: Partition) -> Result<(), LogError> {
        if partition < self.partitions {
            return Ok(());
        }
        let last = self.partitions - 1;
        Err(LogError::Broken(format!("there is no partition {partition}: the log has partitions 0 to {last}").into()))
    }
}

#[async_trait]
impl ReadLog for EmbeddedReadLog {
    async fn spans(&self) -> Result<Vec<LogSpan>, LogError> {
        let partitions = self.partitions;
        let found = self.file.read(move |connection| schema::load_bounds(connection, partitions)).await?;
        let span = |(partition, bounds): (Partition, Bounds)| LogSpan {
            generation: GENERATION,
            partition,
            first: bounds.first,
            end: bounds.end,
        };
        Ok((0..).zip(self.bounds(found)).map(span).collect())
    }

    async fn offset_at(&self, partition: Partition, at: Timestamp) -> Result<i64, LogError> {
        self.check(partition)?;
        let partitions = self.partitions;
        let find = move |connection: &Connection| match rows::offset_at(connection, partition, at)? {
            Some(offset) => Ok(offset),
            None => Ok(schema::load_bounds(connection, partitions)?[partition as usize].end),
        };
        Ok(self.file.read(find).await?.unwrap_or(0))
    }

    async fn read_range(
        &self,
        partition: Partition,
        from: i64,
        until: i64,
        max_bytes: usize,
    ) -> Result<Vec<Consumed>, LogError> {
        self.check(partition)?;
        let read = move |connection: &Connection| rows::records(connection, partition, from, until, max_bytes);
        Ok(self.file.read(read).await?.unwrap_or_default())
    }
}

/// How far one group is behind, read from the file.
pub struct EmbeddedReadLag {
    log: EmbeddedReadLog,
    group: String,
    clock: Arc<dyn Clock>,
}

#[async_trait]
impl ReadLag for EmbeddedReadLag {
    async fn read(&self) -> Result<Lag, LogError> {
        Ok(Lag::over(&self.partitions(&[]).await?, self.clock.now()))
    }

    async fn partitions(&self, accounts: &[Account]) -> Result<Vec<PartitionLag>, LogError> {
        let (group, partitions, now) = (self.group.clone(), self.log.partitions, self.clock.now());
        let accounted = |partition| PartitionLag::accounted_in(accounts, GENERATION, partition);
        let accounted: Vec<i64> = (0..partitions).map(accounted).collect();
        let read = move |connection: &Connection| lags(connection, &group, &accounted, now);
        let empty = |partition| PartitionLag {
            generation: GENERATION,
            partition,
            first: 0,
            committed: 0,
            accounted: 0,
            end: 0,
            oldest_appended_at: None,
            log_time: None,
        };
        Ok(self.log.file.read(read).await?.unwrap_or_else(|| (0..partitions).map(empty).collect()))
    }
}

/// `accounted`: how far each partition's account reaches.
fn lags(
    connection: &Connection,
    group: &str,
    accounted: &[i64],
    now: Timestamp,
) -> rusqlite::Result<Vec<PartitionLag>> {
    let bounds = schema::load_bounds(connection, u32::try_from(accounted.len()).unwrap_or(u32::MAX))?;
    let committed = schema::load_commits(connection, &bounds)?.remove(group);
    let lag = |((partition, Bounds { first, end }), accounted): ((Partition, Bounds), &i64)| {
        // A group that is not known yet begins with the first record kept.
        let committed = committed.as_ref().and_then(|offsets| offsets.get(partition as usize)).map_or(first, |at| *at);
        let mut lag = PartitionLag {
            generation: GENERATION,
            partition,
            first,
            committed,
            accounted: *accounted,
            end,
            oldest_appended_at: None,
            log_time: None,
        };
        lag.oldest_appended_at = rows::appended_at(connection, partition, lag.next(), end)?;
        lag.log_time = lag.oldest_appended_at.map(|_| now);
        Ok(lag)
    };
    (0..).zip(bounds).zip(accounted).map(lag).collect()
}
