//! View rows.

use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};
use tidegate_kernel::SmolStr;
use tidegate_kernel::command::{ViewChange, ViewKey};
use tidegate_ports::{Scan, ScanOrder, StoreError, ViewRow, ViewWrite, Views};

use super::EmbeddedCommandStore;
use super::work::Work;
use crate::sqlite::failure::unreadable;
use crate::sqlite::values::{signed, text};

const PUT: &str = "INSERT INTO views (view, shard, row, written_at, partition, doc) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
     ON CONFLICT DO UPDATE SET written_at = excluded.written_at, partition = excluded.partition, doc = excluded.doc \
     WHERE excluded.written_at > written_at";

pub(super) const GET: &str = "SELECT doc FROM views WHERE view = ?1 AND shard = ?2 AND row = ?3";

pub(super) const FIRST: &str =
    "SELECT row, doc FROM views WHERE view = ?1 AND shard = ?2 AND doc IS NOT NULL ORDER BY row LIMIT ?3";
pub(super) const FIRST_AFTER: &str = "SELECT row, doc FROM views WHERE view = ?1 AND shard = ?2 AND row > ?4 \
     AND doc IS NOT NULL ORDER BY row LIMIT ?3";
pub(super) const LAST: &str =
    "SELECT row, doc FROM views WHERE view = ?1 AND shard = ?2 AND doc IS NOT NULL ORDER BY row DESC LIMIT ?3";
pub(super) const LAST_BEFORE: &str = "SELECT row, doc FROM views WHERE view = ?1 AND shard = ?2 AND row < ?4 \
     AND doc IS NOT NULL ORDER BY row DESC LIMIT ?3";

#[async_trait]
impl Views for EmbeddedCommandStore {
    async fn put(&self, rows: Arc<Vec<ViewWrite>>) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        self.file.write(Work::Views(rows)).await
    }

    async fn get(&self, keys: &[ViewKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let keys = keys.to_vec();
        self.file.by_key.read(move |connection| get(connection, &keys)).await
    }

    async fn scan(&self, wanted: &Scan) -> Result<Vec<ViewRow>, StoreError> {
        let wanted = wanted.clone();
        self.file.queries.read(move |connection| scan(connection, &wanted)).await
    }
}

/// Puts each row, unless the stored one is newer. Returns the bytes of the documents.
pub(super) fn put(connection: &Connection, writes: &[ViewWrite]) -> rusqlite::Result<usize> {
    let mut put = connection.prepare_cached(PUT)?;
    let mut bytes = 0;
    for ViewWrite { change: ViewChange { key, doc }, position } in writes {
        let (shard, row, written_at) = (key.shard.as_str(), key.row.as_str(), position.write_timestamp());
        put.execute(params![key.view, shard, row, written_at, position.partition, doc])?;
        bytes += doc.as_ref().map_or(0, Vec::len);
    }
    Ok(bytes)
}

fn get(connection: &Connection, keys: &[ViewKey]) -> rusqlite::Result<Vec<Option<Vec<u8>>>> {
    let mut get = connection.prepare_cached(GET)?;
    let mut doc = |key: &ViewKey| {
        let doc = get.query_row(params![key.view, key.shard.as_str(), key.row.as_str()], |row| row.get(0));
        Ok(doc.optional()?.flatten())
    };
    keys.iter().map(&mut doc).collect()
}

fn scan(connection: &Connection, scan: &Scan) -> rusqlite::Result<Vec<ViewRow>> {
    let limit = signed(scan.limit as u64);
    let shard = scan.shard.as_str();
    let (from_end, beyond) = match scan.order {
        ScanOrder::Ascending => (FIRST, FIRST_AFTER),
        ScanOrder::Descending => (LAST, LAST_BEFORE),
    };
    match &scan.after {
        None => rows(connection, from_end, params![scan.view, shard, limit]),
        Some(after) => rows(connection, beyond, params![scan.view, shard, limit, after.as_str()]),
    }
}

fn rows(connection: &Connection, text: &str, values: impl rusqlite::Params) -> rusqlite::Result<Vec<ViewRow>> {
    connection.prepare_cached(text)?.query_map(values, row_at)?.collect()
}

fn row_at(row: &Row<'_>) -> rusqlite::Result<ViewRow> {
    let name = text(row, 0)?.ok_or_else(|| unreadable(0, "a row without a name"))?;
    Ok(ViewRow { row: SmolStr::new(name), doc: row.get(1)? })
}
