//! The pulse feed: rows that are written in the transaction of their run.
//!
//! Rows of a partition are inserted at its end and deleted at its beginning, so that they need no index by age.

use async_trait::async_trait;
use rusqlite::{CachedStatement, Connection, Row, params};
use tidegate_agentping::FeedRow;
use tidegate_agentping_ports::{FeedEntry, FeedPage, FeedRange, PulseFeed};
use tidegate_kernel::{Partition, Position, Timestamp};
use tidegate_ports::StoreError;

use super::EmbeddedStore;
use crate::sqlite::failure::unreadable;
use crate::sqlite::values::{millis, signed};

pub(super) const INSERT: &str = "INSERT INTO pulse_feed (generation, partition, offset, appended_at_ms, entry) \
     VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";

pub(super) const PAGE: &str = "SELECT offset, entry FROM pulse_feed \
     WHERE generation = ?1 AND partition = ?2 AND offset >= ?3 AND offset < ?4 ORDER BY offset LIMIT ?5";

pub(super) const OLDEST: &str = "SELECT offset, appended_at_ms FROM pulse_feed \
     WHERE generation = ?1 AND partition = ?2 ORDER BY offset LIMIT ?3";

pub(super) const PURGE: &str = "DELETE FROM pulse_feed WHERE generation = ?1 AND partition = ?2 AND offset <= ?3";

/// Bytes of a row without its text.
const KEY_BYTES: u64 = 32;

#[async_trait]
impl PulseFeed for EmbeddedStore {
    async fn feed_page(&self, of: FeedRange, limit: usize) -> Result<FeedPage, StoreError> {
        self.file.queries.read(move |connection| page(connection, of, limit)).await
    }

    async fn purge_feed(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.file.delete(move |connection| purge(connection, before, limit)).await
    }
}

/// Inserts rows. Returns the bytes that go into the WAL, about.
pub(super) fn save(insert: &mut CachedStatement<'_>, entries: &[FeedEntry]) -> rusqlite::Result<u64> {
    let mut bytes = 0;
    for FeedEntry { position: Position { generation, partition, offset }, row } in entries {
        let text = row.encode().map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        insert.execute(params![generation, partition, offset, row.appended_at.as_millis(), text])?;
        bytes += text.len() as u64 + KEY_BYTES;
    }
    Ok(bytes)
}

fn page(connection: &Connection, of: FeedRange, limit: usize) -> rusqlite::Result<FeedPage> {
    let FeedRange { generation, partition, from, until } = of;
    let mut statement = connection.prepare_cached(PAGE)?;
    let values = params![generation, partition, from, until, signed(limit as u64)];
    let entry = |row: &Row<'_>| {
        let text = row.get_ref(1)?.as_str().map_err(|error| unreadable(1, error))?;
        let position = Position { generation, partition, offset: row.get(0)? };
        Ok(FeedEntry { position, row: FeedRow::decode(text).map_err(|error| unreadable(1, error))? })
    };
    let entries: Vec<FeedEntry> = statement.query_map(values, entry)?.collect::<rusqlite::Result<_>>()?;
    let full = entries.last().filter(|_| entries.len() == limit);
    let next_offset = full.map_or(until, |last| last.position.offset + 1);
    Ok(FeedPage { entries, next_offset })
}

/// Deletes up to `limit` rows of records appended before `before`.
fn purge(connection: &Connection, before: Timestamp, limit: usize) -> rusqlite::Result<usize> {
    // A partition that has rows of the feed has an account, but for the moment before its first settlement.
    let mut partitions = connection.prepare_cached("SELECT generation, partition FROM accounts")?;
    let partitions: Vec<(u16, Partition)> =
        partitions.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
    let (mut oldest, mut delete) = (connection.prepare_cached(OLDEST)?, connection.prepare_cached(PURGE)?);
    let mut purged = 0;
    for (generation, partition) in partitions {
        let rows = oldest.query_map(params![generation, partition, signed((limit - purged) as u64)], |row| {
            Ok((row.get::<_, i64>(0)?, millis(row, 1)?))
        })?;
        let rows: Vec<(i64, Timestamp)> = rows.collect::<rusqlite::Result<_>>()?;
        let last = rows.iter().take_while(|(_, appended_at)| *appended_at < before).last();
        if let Some((last, _)) = last {
            purged += delete.execute(params![generation, partition, last])?;
        }
    }
    Ok(purged)
}
