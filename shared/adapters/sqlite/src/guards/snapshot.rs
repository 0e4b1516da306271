//! A read transaction that bounds a checkpoint: SQLite moves no page that some reader does not see yet.

use std::path::Path;

use rusqlite::Connection;

use super::checkpoint_count;
use crate::sqlite::{self, FileKind, SqliteError};

/// A connection that takes snapshots of a file. Commits made after a snapshot was taken stay out of checkpoints until it
/// is released.
pub(crate) struct Snapshot {
    connection: Connection,
}

impl Snapshot {
    /// # Errors
    /// [`SqliteError`].
    pub fn open(path: &Path, kind: FileKind) -> Result<Self, SqliteError> {
        Ok(Snapshot { connection: sqlite::open_reader(path, kind)? })
    }

    /// Takes a snapshot, runs `checkpoint`, and releases the snapshot.
    ///
    /// # Errors
    /// The snapshot could not be taken, or what `checkpoint` returns.
    pub fn around<T>(&self, checkpoint: impl FnOnce() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        self.take()?;
        let done = checkpoint();
        self.release();
        done
    }

    pub(super) fn take(&self) -> rusqlite::Result<()> {
        self.connection.execute_batch("BEGIN")?;
        // SQLite takes the snapshot with the first read.
        checkpoint_count::begun(&self.connection).map(drop).inspect_err(|_| self.release())
    }

    pub(super) fn release(&self) {
        if let Err(error) = self.connection.execute_batch("ROLLBACK") {
            tracing::warn!(%error, "a snapshot was not ended in order");
        }
    }

    #[cfg(test)]
    pub(super) fn is_released(&self) -> bool {
        self.connection.is_autocommit()
    }
}
