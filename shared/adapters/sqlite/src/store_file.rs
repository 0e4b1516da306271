//! A file whose content is a function of the log: one thread writes, reads go through connections of their own.
//!
//! A product says by [`Tables`] what is written into its file. Everything else is here: commits that share a transaction,
//! which of them are synced, checkpoints, guards, readers, and the tables of accounts.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use tidegate_ports::{FailureCause, StoreError};

use crate::folder::{DataFolder, OwnedFolder};
use crate::guards::{FileGuard, GuardedFile, Refused};
use crate::sqlite::{self, FileKind, Migrations, SqliteError};

pub(crate) mod accounts;
pub(crate) mod readers;
mod writer;
mod writer_state;

use readers::Readers;
use writer::Writer;

/// Connections for loads by key: nothing that takes long makes them wait.
const KEY_READERS: usize = 2;
/// Connections for queries.
const QUERY_READERS: usize = 2;

/// What is written into a store file.
pub(crate) trait Tables: Send + 'static {
    /// One write. Writes that wait together share a commit.
    type Work: Send + 'static;

    /// How many rows a write has, about.
    fn rows(work: &Self::Work) -> usize;

    /// Whether it, and all that was written before it, must be on disk before it is answered. The WAL is one sequence: one
    /// sync covers both.
    fn is_synced(work: &Self::Work) -> bool;

    /// Writes all of it, inside a transaction. Returns the bytes that go into the WAL, about.
    ///
    /// # Errors
    /// SQLite's; the transaction is then rolled back.
    fn write(&mut self, transaction: &Connection, works: &[Self::Work]) -> rusqlite::Result<u64>;

    /// The transaction of the last [`write`](Self::write) was rolled back.
    fn rolled_back(&mut self) {}
}

/// An open store file. Clones share it.
pub(crate) struct StoreFile<T: Tables> {
    // Readers are closed before the writer, which folds the WAL back as the last one.
    pub by_key: Readers,
    pub queries: Readers,
    /// `None`: opened for reading only.
    writer: Option<Arc<Writer<T>>>,
    /// The folder stays ours for as long as the store is open. Dropped last.
    _folder: Option<OwnedFolder>,
}

impl<T: Tables> Clone for StoreFile<T> {
    fn clone(&self) -> Self {
        StoreFile {
            by_key: self.by_key.clone(),
            queries: self.queries.clone(),
            writer: self.writer.clone(),
            _folder: self._folder.clone(),
        }
    }
}

impl<T: Tables> StoreFile<T> {
    /// Opens the file of a folder that this process owns.
    ///
    /// # Errors
    /// [`SqliteError`]: missing, damaged, newer, or another's.
    pub fn open(folder: &OwnedFolder, kind: FileKind, migrations: &Migrations, tables: T) -> Result<Self, SqliteError> {
        let path = folder.folder().file(kind);
        let (connection, guard) = open_file(&path, kind, migrations, folder.refused().clone())?;
        Ok(StoreFile {
            by_key: Readers::open(&path, kind, KEY_READERS)?,
            queries: Readers::open(&path, kind, QUERY_READERS)?,
            writer: Some(Arc::new(Writer::start(connection, guard, kind, tables, folder.clone())?)),
            _folder: Some(folder.clone()),
        })
    }

    /// Opens the file for reading only, while another process may own the folder.
    ///
    /// # Errors
    /// [`SqliteError`]: missing, another's, or of another version.
    pub fn open_read_only(folder: &DataFolder, kind: FileKind, migrations: &Migrations) -> Result<Self, SqliteError> {
        let path = folder.file(kind);
        sqlite::check_version(&path, kind, migrations)?;
        Ok(StoreFile {
            by_key: Readers::open(&path, kind, 1)?,
            queries: Readers::open(&path, kind, 1)?,
            writer: None,
            _folder: None,
        })
    }

    /// Writes, together with what waits at the same time.
    ///
    /// # Errors
    /// [`StoreError`]; refused where the file was opened for reading only.
    pub async fn write(&self, work: T::Work) -> Result<(), StoreError> {
        self.writer()?.write(work).await
    }

    /// Deletes rows in a transaction of its own. Returns how many.
    ///
    /// # Errors
    /// As [`StoreFile::write`].
    pub async fn delete(
        &self,
        delete: impl FnOnce(&Connection) -> rusqlite::Result<usize> + Send + 'static,
    ) -> Result<usize, StoreError> {
        self.writer()?.delete(Box::new(delete)).await
    }

    fn writer(&self) -> Result<&Writer<T>, StoreError> {
        let read_only = || StoreError::Refused(FailureCause::refused("the store was opened for reading only"));
        self.writer.as_deref().ok_or_else(read_only)
    }
}

/// What the store acknowledges is on the log too: its high-water mark counts checkpoints only.
pub(crate) fn open_file(
    path: &Path,
    kind: FileKind,
    migrations: &Migrations,
    refused: Refused,
) -> Result<(Connection, FileGuard), SqliteError> {
    FileGuard::open(&GuardedFile { path, kind, migrations, acknowledged: None, refused })
}
