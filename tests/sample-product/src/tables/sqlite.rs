//! Totals in a file of the data folder.

use async_trait::async_trait;
use rusqlite::{OptionalExtension, Row, params};
use tidegate_ports::StoreError;
use tidegate_sqlite::sqlite::FileKind;
use tidegate_sqlite::{OwnedFolder, ProductFile, SqliteError};

use crate::counting::{Counters, Total};
use crate::mark::CounterId;

const FILE: FileKind = FileKind { file_name: "counters.db", application_id: 0x434e_5431, page_bytes: 4_096 };
const TABLE: &str = "CREATE TABLE counters (counter TEXT PRIMARY KEY, total INTEGER NOT NULL, marks INTEGER NOT NULL, \
                     folded_to INTEGER NOT NULL) STRICT";

/// Each save is synced.
pub struct SqliteCounters(ProductFile);

impl SqliteCounters {
    /// # Errors
    /// [`SqliteError`].
    pub fn open(folder: &OwnedFolder) -> Result<Self, SqliteError> {
        ProductFile::open(folder, FILE, &[TABLE]).map(SqliteCounters)
    }
}

#[async_trait]
impl Counters for SqliteCounters {
    async fn read(&self, counter: CounterId) -> Result<Option<Total>, StoreError> {
        self.0
            .with(move |connection| {
                let select = "SELECT total, marks, folded_to FROM counters WHERE counter = ?1";
                let total =
                    |row: &Row<'_>| Ok(Total { total: row.get(0)?, marks: row.get(1)?, folded_to: row.get(2)? });
                connection.query_row(select, [counter.to_string()], total).optional()
            })
            .await
    }

    async fn save(&self, counter: CounterId, Total { total, marks, folded_to }: Total) -> Result<(), StoreError> {
        self.0.with(move |connection| {
            let upsert = "INSERT INTO counters VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET total = excluded.total, \
                          marks = excluded.marks, folded_to = excluded.folded_to WHERE excluded.folded_to > folded_to";
            connection.execute(upsert, params![counter.to_string(), total, marks, folded_to]).map(drop)
        })
        .await
    }
}
