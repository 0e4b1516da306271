//! Documents on `settings.db`.

use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::{
    Clock, Document, DocumentList, DocumentWrite, Documents, Expected, ScanOrder, StoreError, Written,
};

use crate::folder::{OwnedFolder, SETTINGS};
use crate::guards::{COUNT_TABLE, CountedFile};
use crate::sqlite::values::{signed, text, unsigned};
use crate::sqlite::{Migrations, SqliteError};

/// Steps are only ever added.
const MIGRATIONS: &Migrations = &[
    COUNT_TABLE,
    "
CREATE TABLE documents (
    space TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    doc BLOB NOT NULL,
    written_at_ms INTEGER NOT NULL,
    ends_at_ms INTEGER,
    PRIMARY KEY (space, kind, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX documents_by_end ON documents (ends_at_ms) WHERE ends_at_ms IS NOT NULL;

CREATE TABLE changed_spaces (
    space TEXT PRIMARY KEY NOT NULL,
    changed_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX spaces_by_change ON changed_spaces (changed_at_ms);
",
];

/// The documents port on `settings.db`. Clones share the file.
#[derive(Clone)]
pub struct EmbeddedDocuments {
    file: CountedFile,
    clock: Arc<dyn Clock>,
}

impl EmbeddedDocuments {
    /// Opens the folder's file; a folder of an earlier build gets one. Documents end by this clock.
    ///
    /// # Errors
    /// [`SqliteError`]: missing although there was one, damaged, newer, or another's.
    pub fn open(folder: &OwnedFolder, clock: Arc<dyn Clock>) -> Result<Self, SqliteError> {
        let else_way = ", or remove settings.mark to go on without what is missing";
        Ok(EmbeddedDocuments { file: CountedFile::open(folder, SETTINGS, MIGRATIONS, else_way)?, clock })
    }
}

#[async_trait]
impl Documents for EmbeddedDocuments {
    async fn get(&self, space: &str, kind: &str, name: &str) -> Result<Option<Document>, StoreError> {
        let (space, kind, name, now) = (space.to_owned(), kind.to_owned(), name.to_owned(), self.clock.now());
        self.file
            .read(move |connection| {
                let mut one = connection.prepare_cached(
                    "SELECT kind, name, version, doc, written_at_ms FROM documents \
                     WHERE space = ?1 AND kind = ?2 AND name = ?3 AND (ends_at_ms IS NULL OR ends_at_ms > ?4)",
                )?;
                one.query_row(params![space, kind, name, now.as_millis()], document_at).optional()
            })
            .await
    }

    async fn list(&self, list: &DocumentList<'_>) -> Result<Vec<Document>, StoreError> {
        let (space, kind, prefix) = (list.space.to_owned(), list.kind.to_owned(), list.prefix.to_owned());
        let (after, now, limit) = (list.after.map(str::to_owned), self.clock.now(), signed(list.limit as u64));
        // Texts are compared byte by byte.
        let statement = match list.order {
            ScanOrder::Ascending => {
                "SELECT kind, name, version, doc, written_at_ms FROM documents \
                 WHERE space = ?1 AND kind = ?2 AND name >= ?3 AND (?4 IS NULL OR name > ?4) \
                 AND substr(name, 1, length(?3)) = ?3 AND (ends_at_ms IS NULL OR ends_at_ms > ?5) \
                 ORDER BY name LIMIT ?6"
            }
            ScanOrder::Descending => {
                "SELECT kind, name, version, doc, written_at_ms FROM documents \
                 WHERE space = ?1 AND kind = ?2 AND name >= ?3 AND (?4 IS NULL OR name < ?4) \
                 AND substr(name, 1, length(?3)) = ?3 AND (ends_at_ms IS NULL OR ends_at_ms > ?5) \
                 ORDER BY name DESC LIMIT ?6"
            }
        };
        self.file
            .read(move |connection| {
                let mut listed = connection.prepare_cached(statement)?;
                let values = params![space, kind, prefix, after, now.as_millis(), limit];
                listed.query_map(values, document_at)?.collect()
            })
            .await
    }

    async fn write(&self, space: &str, writes: &[DocumentWrite], now: Timestamp) -> Result<Written, StoreError> {
        DocumentWrite::check(writes)?;
        let (space, writes) = (space.to_owned(), writes.to_vec());
        self.file.change(move |change| write_all(change, &space, &writes, now)).await
    }

    async fn changed_since(&self, since: Timestamp) -> Result<Vec<SmolStr>, StoreError> {
        self.file
            .read(move |connection| {
                let mut changed =
                    connection.prepare_cached("SELECT space FROM changed_spaces WHERE changed_at_ms >= ?1")?;
                changed.query_map([since.as_millis()], |row| row.get(0).map(space_name))?.collect()
            })
            .await
    }

    async fn spaces(&self) -> Result<Vec<SmolStr>, StoreError> {
        self.file
            .read(|connection| {
                let mut spaces = connection.prepare_cached("SELECT DISTINCT space FROM documents")?;
                spaces.query_map([], |row| row.get(0).map(space_name))?.collect()
            })
            .await
    }

    async fn purge_documents(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.file
            .change(move |change| {
                let deleted = change
                    .prepare_cached(
                        "DELETE FROM documents WHERE (space, kind, name) IN \
                         (SELECT space, kind, name FROM documents WHERE ends_at_ms <= ?1 LIMIT ?2)",
                    )?
                    .execute(params![now.as_millis(), signed(limit as u64)])?;
                Ok((deleted, deleted > 0))
            })
            .await
    }
}

/// Judges all conditions, and then writes.
fn write_all(
    change: &Transaction<'_>,
    space: &str,
    writes: &[DocumentWrite],
    now: Timestamp,
) -> rusqlite::Result<(Written, bool)> {
    let versions: Vec<Option<u64>> =
        writes.iter().map(|write| version(change, space, write, now)).collect::<rusqlite::Result<_>>()?;
    let is_wrong = |(write, version): (&DocumentWrite, &Option<u64>)| match write.expected {
        Expected::Anything => false,
        Expected::Absent => version.is_some(),
        Expected::Version(expected) => *version != Some(expected),
    };
    if let Some(at) = writes.iter().zip(&versions).position(is_wrong) {
        return Ok((Written::Conflict(at), false));
    }
    for (write, version) in writes.iter().zip(versions) {
        let DocumentWrite { kind, name, doc, ends_at, .. } = write;
        match doc {
            None => {
                let mut remove =
                    change.prepare_cached("DELETE FROM documents WHERE space = ?1 AND kind = ?2 AND name = ?3")?;
                remove.execute(params![space, kind.as_str(), name.as_str()])?;
            }
            Some(doc) => {
                let mut set = change.prepare_cached(
                    "INSERT INTO documents (space, kind, name, version, doc, written_at_ms, ends_at_ms) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET version = excluded.version, \
                     doc = excluded.doc, written_at_ms = excluded.written_at_ms, ends_at_ms = excluded.ends_at_ms",
                )?;
                let version = signed(version.unwrap_or(0) + 1);
                let ends_at = ends_at.map(Timestamp::as_millis);
                set.execute(params![space, kind.as_str(), name.as_str(), version, doc, now.as_millis(), ends_at])?;
            }
        }
    }
    let mut announce = change.prepare_cached(
        "INSERT INTO changed_spaces (space, changed_at_ms) VALUES (?1, ?2) \
         ON CONFLICT DO UPDATE SET changed_at_ms = max(changed_at_ms, excluded.changed_at_ms)",
    )?;
    announce.execute(params![space, now.as_millis()])?;
    Ok((Written::Done, true))
}

/// `None`: it is not there, or has ended.
fn version(
    connection: &Connection,
    space: &str,
    write: &DocumentWrite,
    now: Timestamp,
) -> rusqlite::Result<Option<u64>> {
    let mut version = connection.prepare_cached(
        "SELECT version FROM documents WHERE space = ?1 AND kind = ?2 AND name = ?3 \
         AND (ends_at_ms IS NULL OR ends_at_ms > ?4)",
    )?;
    let values = params![space, write.kind.as_str(), write.name.as_str(), now.as_millis()];
    version.query_row(values, |row| unsigned(row, 0)).optional()
}

fn document_at(row: &Row<'_>) -> rusqlite::Result<Document> {
    let name = |column| Ok::<_, rusqlite::Error>(SmolStr::new(text(row, column)?.unwrap_or_default()));
    Ok(Document {
        kind: name(0)?,
        name: name(1)?,
        version: unsigned(row, 2)?,
        doc: row.get(3)?,
        written_at: Timestamp::from_millis(row.get(4)?),
    })
}

fn space_name(text: String) -> SmolStr {
    text.into()
}
