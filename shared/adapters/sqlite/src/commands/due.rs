//! Due times: a row for each owner.

use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, params};
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::{Due, DueOwner, DueWrite, StoreError};

use super::EmbeddedCommandStore;
use super::work::Work;
use crate::sqlite::values::{millis, text};

const PUT: &str = "INSERT INTO due (shard, owner, written_at, at_ms) VALUES (?1, ?2, ?3, ?4) \
     ON CONFLICT DO UPDATE SET written_at = excluded.written_at, at_ms = excluded.at_ms \
     WHERE excluded.written_at > written_at";

pub(super) const READ: &str = "SELECT owner, at_ms FROM due WHERE shard = ?1 AND at_ms IS NOT NULL";

#[async_trait]
impl Due for EmbeddedCommandStore {
    async fn put(&self, writes: Arc<Vec<DueWrite>>) -> Result<(), StoreError> {
        if writes.is_empty() {
            return Ok(());
        }
        self.file.write(Work::Due(writes)).await
    }

    async fn read(&self, shard: u16) -> Result<Vec<DueOwner>, StoreError> {
        self.file.queries.read(move |connection| read(connection, shard)).await
    }
}

/// Puts each due time, unless the stored one is newer. Returns the bytes of documents: there are none.
pub(super) fn put(connection: &Connection, writes: &[DueWrite]) -> rusqlite::Result<usize> {
    let mut put = connection.prepare_cached(PUT)?;
    for DueWrite { owner, at, position } in writes {
        let at_ms = at.map(Timestamp::as_millis);
        put.execute(params![owner.shard(), owner.text(), position.write_timestamp(), at_ms])?;
    }
    Ok(0)
}

fn read(connection: &Connection, shard: u16) -> rusqlite::Result<Vec<DueOwner>> {
    let mut read = connection.prepare_cached(READ)?;
    let due = read.query_map([shard], |row| {
        Ok(DueOwner { owner: SmolStr::new(text(row, 0)?.unwrap_or_default()), at: millis(row, 1)? })
    })?;
    due.collect()
}
