//! Rows on `rows.db`.

use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{OptionalExtension, Row, params};
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::{Clock, KeptRow, Meeting, RowKey, RowScan, RowWrite, Rows, ScanOrder, StoreError};

use crate::folder::{OwnedFolder, ROWS};
use crate::guards::{COUNT_TABLE, CountedFile};
use crate::sqlite::values::{signed, text};
use crate::sqlite::{Migrations, SqliteError};

/// Steps are only ever added. A row that was removed stays with its rank and without a document until it ends, so that an
/// older write changes nothing.
const MIGRATIONS: &Migrations = &[
    COUNT_TABLE,
    "
CREATE TABLE kept_rows (
    kind TEXT NOT NULL,
    shard TEXT NOT NULL,
    name TEXT NOT NULL,
    doc BLOB,
    rank INTEGER NOT NULL,
    ends_at_ms INTEGER NOT NULL,
    PRIMARY KEY (kind, shard, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX rows_by_end ON kept_rows (ends_at_ms);
",
];

/// The rows port on `rows.db`. Clones share the file.
#[derive(Clone)]
pub struct EmbeddedRows {
    file: CountedFile,
    clock: Arc<dyn Clock>,
}

impl EmbeddedRows {
    /// Opens the folder's file; a folder of an earlier build gets one. Rows end by this clock.
    ///
    /// # Errors
    /// [`SqliteError`]: missing although there was one, damaged, newer, or another's.
    pub fn open(folder: &OwnedFolder, clock: Arc<dyn Clock>) -> Result<Self, SqliteError> {
        let else_way = ", or remove rows.mark to go on without what is missing";
        Ok(EmbeddedRows { file: CountedFile::open(folder, ROWS, MIGRATIONS, else_way)?, clock })
    }
}

#[async_trait]
impl Rows for EmbeddedRows {
    async fn put(&self, rows: Arc<Vec<RowWrite>>, now: Timestamp) -> Result<(), StoreError> {
        RowWrite::check(&rows, Meeting::HigherRank)?;
        if rows.is_empty() {
            return Ok(());
        }
        self.file
            .change(move |change| {
                let mut put = change.prepare_cached(
                    "INSERT INTO kept_rows (kind, shard, name, doc, rank, ends_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
                     ON CONFLICT DO UPDATE SET doc = excluded.doc, rank = excluded.rank, \
                     ends_at_ms = excluded.ends_at_ms \
                     WHERE kept_rows.rank <= excluded.rank OR kept_rows.ends_at_ms <= ?7",
                )?;
                for write in rows.iter() {
                    let RowKey { table, shard, row } = &write.key;
                    let (rank, ends_at) = (signed(write.rank), write.ends_at(now).as_millis());
                    let doc = write.doc.as_deref();
                    put.execute(params![
                        table.name,
                        shard.as_str(),
                        row.as_str(),
                        doc,
                        rank,
                        ends_at,
                        now.as_millis()
                    ])?;
                }
                Ok(((), true))
            })
            .await
    }

    async fn insert(&self, rows: Arc<Vec<RowWrite>>, now: Timestamp) -> Result<Vec<bool>, StoreError> {
        RowWrite::check(&rows, Meeting::First)?;
        self.file
            .change(move |change| {
                let mut insert = change.prepare_cached(
                    "INSERT INTO kept_rows (kind, shard, name, doc, rank, ends_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
                     ON CONFLICT DO UPDATE SET doc = excluded.doc, rank = excluded.rank, \
                     ends_at_ms = excluded.ends_at_ms WHERE kept_rows.ends_at_ms <= ?7",
                )?;
                let mut is_new = Vec::with_capacity(rows.len());
                for write in rows.iter() {
                    let RowKey { table, shard, row } = &write.key;
                    let (rank, ends_at) = (signed(write.rank), write.ends_at(now).as_millis());
                    let doc = write.doc.as_deref();
                    let values = params![table.name, shard.as_str(), row.as_str(), doc, rank, ends_at, now.as_millis()];
                    is_new.push(insert.execute(values)? == 1);
                }
                let is_change = is_new.contains(&true);
                Ok((is_new, is_change))
            })
            .await
    }

    async fn get(&self, keys: &[RowKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let (keys, now) = (keys.to_vec(), self.clock.now());
        self.file
            .read(move |connection| {
                let mut one = connection.prepare_cached(
                    "SELECT doc FROM kept_rows WHERE kind = ?1 AND shard = ?2 AND name = ?3 AND ends_at_ms > ?4",
                )?;
                let mut doc = |RowKey { table, shard, row }: &RowKey| {
                    let values = params![table.name, shard.as_str(), row.as_str(), now.as_millis()];
                    let found = one.query_row(values, |row| row.get::<_, Option<Vec<u8>>>(0)).optional()?;
                    Ok(found.flatten())
                };
                keys.iter().map(&mut doc).collect()
            })
            .await
    }

    async fn scan(&self, scan: &RowScan) -> Result<Vec<KeptRow>, StoreError> {
        let (scan, now) = (scan.clone(), self.clock.now());
        // Texts are compared byte by byte.
        let statement = match scan.order {
            ScanOrder::Ascending => {
                "SELECT name, doc FROM kept_rows WHERE kind = ?1 AND shard = ?2 AND (?3 IS NULL OR name > ?3) \
                 AND doc IS NOT NULL AND ends_at_ms > ?4 ORDER BY name LIMIT ?5"
            }
            ScanOrder::Descending => {
                "SELECT name, doc FROM kept_rows WHERE kind = ?1 AND shard = ?2 AND (?3 IS NULL OR name < ?3) \
                 AND doc IS NOT NULL AND ends_at_ms > ?4 ORDER BY name DESC LIMIT ?5"
            }
        };
        self.file
            .read(move |connection| {
                let RowScan { table, shard, after, limit, .. } = scan;
                let mut scanned = connection.prepare_cached(statement)?;
                let row = |row: &Row<'_>| {
                    Ok(KeptRow { row: SmolStr::new(text(row, 0)?.unwrap_or_default()), doc: row.get(1)? })
                };
                let (after, limit) = (after.as_deref(), signed(limit as u64));
                scanned.query_map(params![table.name, shard.as_str(), after, now.as_millis(), limit], row)?.collect()
            })
            .await
    }

    async fn purge_rows(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.file
            .change(move |change| {
                let deleted = change
                    .prepare_cached(
                        "DELETE FROM kept_rows WHERE (kind, shard, name) IN \
                         (SELECT kind, shard, name FROM kept_rows WHERE ends_at_ms <= ?1 LIMIT ?2)",
                    )?
                    .execute(params![now.as_millis(), signed(limit as u64)])?;
                Ok((deleted, deleted > 0))
            })
            .await
    }
}
