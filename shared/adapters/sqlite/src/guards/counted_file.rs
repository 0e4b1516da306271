//! A file whose commits are counted, so that the loss of any of them is detected.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tidegate_ports::StoreError;

use super::{Acknowledged, FileGuard, GuardedFile};
use crate::folder::OwnedFolder;
use crate::sqlite::failure::{broken_off, failure};
use crate::sqlite::values::unsigned;
use crate::sqlite::{self, FileKind, Migrations, SqliteError};
use crate::store_file::readers::Readers;

/// Belongs to the first step of the file's migrations.
pub(crate) const COUNT_TABLE: &str = "
CREATE TABLE changes (made INTEGER NOT NULL) STRICT;
INSERT INTO changes VALUES (0);
";

const READERS: usize = 2;

/// One connection that writes, each commit synced, and a few that read. Clones share them.
#[derive(Clone)]
pub(crate) struct CountedFile {
    readers: Readers,
    writer: Arc<Mutex<(Connection, FileGuard)>>,
    /// The folder stays ours for as long as the file is open.
    _folder: OwnedFolder,
}

impl CountedFile {
    /// Opens the file, and creates it in a folder of an earlier build, which has none. `else_way` completes the error of a
    /// file that has lost its end.
    ///
    /// # Errors
    /// [`SqliteError`]: missing although there was one, damaged, newer, or another's.
    pub fn open(
        folder: &OwnedFolder,
        kind: FileKind,
        migrations: &Migrations,
        else_way: &'static str,
    ) -> Result<Self, SqliteError> {
        let path = folder.folder().file(kind);
        if !path.exists() && path.with_extension("mark").exists() {
            return Err(SqliteError::Missing { path });
        }
        sqlite::create(&path, kind)?;
        let writer = FileGuard::open(&GuardedFile {
            path: &path,
            kind,
            migrations,
            acknowledged: Some(Acknowledged { what: "changes", else_way, count: &changes_in }),
            refused: folder.refused().clone(),
        })?;
        let readers = Readers::open(&path, kind, READERS)?;
        Ok(CountedFile { readers, writer: Arc::new(Mutex::new(writer)), _folder: folder.clone() })
    }

    /// Reads in one snapshot.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.read(work).await
    }

    /// Makes one change, which is on disk once this returns. `work` says whether it changed anything; if not, it is rolled
    /// back.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<(T, bool)> + Send + 'static,
    ) -> Result<T, StoreError> {
        let writer = Arc::clone(&self.writer);
        let made = tokio::task::spawn_blocking(move || {
            // A transaction that is not committed is rolled back: a panic leaves nothing half done.
            let (connection, guard) = &mut *writer.lock().unwrap_or_else(PoisonError::into_inner);
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let (made, is_change) = work(&transaction)?;
            if is_change {
                let count = transaction
                    .prepare_cached("UPDATE changes SET made = made + 1 RETURNING made")?
                    .query_one([], |row| unsigned(row, 0))?;
                transaction.commit()?;
                guard.acknowledge(count);
            }
            Ok::<T, rusqlite::Error>(made)
        });
        made.await.map_err(|error| StoreError::Unavailable(broken_off("a change", error)))?.map_err(failure)
    }
}

fn changes_in(connection: &Connection) -> rusqlite::Result<u64> {
    connection.query_row("SELECT made FROM changes", [], |row| unsigned(row, 0))
}
