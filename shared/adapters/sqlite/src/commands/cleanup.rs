//! Deleting what no reader needs any more. A job calls it; nothing depends on when.

use rusqlite::{Connection, params};
use tidegate_kernel::{Position, Timestamp};
use tidegate_ports::{Accounts, StoreError};

use super::EmbeddedCommandStore;
use crate::sqlite::values::signed;

/// How long a delivery that was sent or given up is kept, in milliseconds: 3 days.
const FINISHED_KEPT_MS: i64 = 3 * 86_400_000;

pub(super) const EXPIRED_FACTS: &str = "DELETE FROM facts WHERE (owner, fact, generation, partition, offset) IN (SELECT \
     owner, fact, generation, partition, offset FROM facts WHERE expires_at_ms <= ?1 ORDER BY expires_at_ms LIMIT ?2)";

pub(super) const FINISHED: &str =
    "SELECT shard, id FROM delivery_progress WHERE state != 'retry' AND at_ms < ?1 ORDER BY at_ms LIMIT ?2";

pub(super) const REMOVED_ROWS: &str = "DELETE FROM views WHERE (view, shard, row) IN (SELECT view, shard, row FROM views \
     WHERE doc IS NULL AND partition = ?1 AND written_at < ?2 LIMIT ?3)";

/// How many rows were deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    pub facts: usize,
    /// Deliveries that were sent or given up more than 3 days ago.
    pub deliveries: usize,
    /// View rows that are removed, and below everything that can be written again.
    pub removed_rows: usize,
}

impl EmbeddedCommandStore {
    /// Deletes what expired by `now`, of each kind at most `limit` rows. If as many were deleted, there may be more.
    ///
    /// # Errors
    /// [`StoreError`]; some may be deleted.
    pub async fn delete_expired(&self, now: Timestamp, limit: usize) -> Result<Expired, StoreError> {
        let facts = self.file.delete(move |connection| expired_facts(connection, now, limit)).await?;
        let before = now.plus_millis(-FINISHED_KEPT_MS);
        let deliveries = self.file.delete(move |connection| finished_deliveries(connection, before, limit)).await?;
        let mut removed_rows = 0;
        for account in self.accounts().await? {
            // What is settled is not read from the log again, and a write has the position of its record.
            let settled =
                Position { generation: account.generation, partition: account.partition, offset: account.next_offset };
            let left = limit - removed_rows;
            removed_rows += self.file.delete(move |connection| removed_below(connection, settled, left)).await?;
        }
        Ok(Expired { facts, deliveries, removed_rows })
    }
}

fn expired_facts(connection: &Connection, now: Timestamp, limit: usize) -> rusqlite::Result<usize> {
    connection.prepare_cached(EXPIRED_FACTS)?.execute(params![now.as_millis(), signed(limit as u64)])
}

fn finished_deliveries(connection: &Connection, before: Timestamp, limit: usize) -> rusqlite::Result<usize> {
    let mut find = connection.prepare_cached(FINISHED)?;
    let finished = find.query_map(params![before.as_millis(), signed(limit as u64)], |row| {
        Ok((row.get::<_, u16>(0)?, row.get::<_, String>(1)?))
    })?;
    let finished: Vec<_> = finished.collect::<rusqlite::Result<_>>()?;
    let mut delivery = connection.prepare_cached("DELETE FROM deliveries WHERE shard = ?1 AND id = ?2")?;
    let mut progress = connection.prepare_cached("DELETE FROM delivery_progress WHERE shard = ?1 AND id = ?2")?;
    for (shard, id) in &finished {
        delivery.execute(params![shard, id])?;
        progress.execute(params![shard, id])?;
    }
    Ok(finished.len())
}

fn removed_below(connection: &Connection, settled: Position, limit: usize) -> rusqlite::Result<usize> {
    let values = params![settled.partition, settled.write_timestamp(), signed(limit as u64)];
    connection.prepare_cached(REMOVED_ROWS)?.execute(values)
}
