//! The state of the store's writer: its connection, which of its commits are synced, and when its WAL is checkpointed.
//!
//! Most writes are not synced by themselves: the next account that is settled syncs them with it
//! (docs/adr/0017-saves-are-synced-by-the-settlement.md).

use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};
use tidegate_ports::StoreError;

use super::Tables;
use crate::folder::OwnedFolder;
use crate::guards::{Checkpointer, FileGuard, checkpoint};
use crate::sqlite::failure::{failure, is_of_the_disk};
use crate::sqlite::values::signed;
use crate::sqlite::{FileKind, SqliteError};

/// Bounds of the WAL.
struct WalLimits {
    /// Bytes written between two checkpoints.
    checkpoint_every_bytes: u64,
    /// Bytes in use, beyond which the writer itself lets the WAL restart: under steady writing no passive checkpoint
    /// ever finds a moment in which it can. The file keeps its size: what is written over needs no new blocks, and its sync
    /// no inode.
    restart_beyond_bytes: u64,
    /// Bytes of the file, to which it is cut when it restarts. Readers that take long make it larger.
    file_max_bytes: u64,
}

impl WalLimits {
    const USUAL: WalLimits =
        WalLimits { checkpoint_every_bytes: 4 << 20, restart_beyond_bytes: 64 << 20, file_max_bytes: 128 << 20 };
}

/// KiB of page cache for the writer: it keeps the upper levels of all indexes, and their newest leaves.
const CACHE_KIB: i64 = 32 * 1024;

pub(super) struct WriterState<T: Tables> {
    connection: Connection,
    /// Commits are synced at present.
    synced: bool,
    /// A sync failed. What it was to cover may be lost, and no later sync would report that, so there is none.
    sync_failed: bool,
    tables: T,
    guard: FileGuard,
    checkpointer: Checkpointer,
    limits: WalLimits,
    /// Bytes written since a checkpoint was last begun.
    unchecked_bytes: u64,
    /// Held until the last byte is written.
    _folder: OwnedFolder,
}

impl<T: Tables> WriterState<T> {
    pub fn open(
        connection: Connection,
        guard: FileGuard,
        kind: FileKind,
        tables: T,
        folder: OwnedFolder,
    ) -> Result<Self, SqliteError> {
        let limits = WalLimits::USUAL;
        let path = &folder.folder().file(kind);
        let failed = |source| SqliteError::Sqlite { path: path.into(), source };
        connection.pragma_update(None, "wal_autocheckpoint", 0).map_err(failed)?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB).map_err(failed)?;
        connection
            .pragma_update_and_check(None, "journal_size_limit", signed(limits.file_max_bytes), |_| Ok(()))
            .map_err(failed)?;
        let checkpointer = Checkpointer::start(path, kind)?;
        Ok(WriterState {
            connection,
            synced: true,
            sync_failed: false,
            tables,
            guard,
            checkpointer,
            limits,
            unchecked_bytes: 0,
            _folder: folder,
        })
    }

    /// Writes all in one transaction.
    pub fn save(&mut self, works: &[T::Work]) -> Result<(), StoreError> {
        let synced = works.iter().any(T::is_synced);
        self.sync_commits(synced)?;
        match self.save_all(works) {
            Ok(bytes) => {
                self.guard.committed();
                self.unchecked_bytes += bytes;
                Ok(())
            }
            Err(error) => {
                self.tables.rolled_back();
                if synced {
                    self.note_failed_sync(&error);
                }
                Err(failure(error))
            }
        }
    }

    fn save_all(&mut self, works: &[T::Work]) -> rusqlite::Result<u64> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        self.guard.note_commit(&transaction)?;
        let bytes = self.tables.write(&transaction, works)?;
        transaction.commit()?;
        Ok(bytes)
    }

    /// Deletes in one transaction.
    pub fn delete(&mut self, delete: impl FnOnce(&Connection) -> rusqlite::Result<usize>) -> Result<usize, StoreError> {
        self.sync_commits(false)?;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failure)?;
        self.guard.note_commit(&transaction).map_err(failure)?;
        let deleted = delete(&transaction).map_err(failure)?;
        transaction.commit().map_err(failure)?;
        self.guard.committed();
        self.unchecked_bytes += deleted as u64 * 256;
        Ok(deleted)
    }

    /// Begins a checkpoint when enough was written, or lets the WAL restart.
    pub fn tend_wal(&mut self) {
        if self.unchecked_bytes < self.limits.checkpoint_every_bytes || !self.checkpointer.is_idle() {
            return;
        }
        if let Err(error) = self.begin_checkpoint() {
            tracing::warn!(%error, "a checkpoint of the store could not be begun; it is tried again");
            self.note_failed_sync(&error);
            return;
        }
        self.unchecked_bytes = 0;
    }

    fn begin_checkpoint(&mut self) -> rusqlite::Result<()> {
        if self.checkpointer.wal_bytes() <= self.limits.restart_beyond_bytes {
            self.set_synced(true)?;
            let WriterState { connection, guard, checkpointer, .. } = self;
            return checkpointer.begin(|| guard.before_checkpoint(connection));
        }
        self.before_checkpoint()?;
        // Where a reader still needs the WAL, the next attempt may succeed.
        if restart_wal(&self.connection)? {
            self.checkpointer.restarted();
        }
        Ok(())
    }

    fn before_checkpoint(&mut self) -> rusqlite::Result<()> {
        self.set_synced(true)?;
        self.guard.before_checkpoint(&self.connection)
    }

    /// Folds the whole WAL into the file. What fails here is read from the WAL at the next start.
    fn finish(&mut self) -> rusqlite::Result<()> {
        self.checkpointer.end();
        self.before_checkpoint()?;
        checkpoint(&self.connection, "PRAGMA wal_checkpoint(TRUNCATE)").map(drop)
    }

    fn note_failed_sync(&mut self, error: &rusqlite::Error) {
        if is_of_the_disk(error) {
            self.sync_failed = true;
            tracing::error!(%error, "the store's file could not be synced: nothing more is written to it; see to the disk \
                                     and restart, what is not there is then read from the log again");
        }
    }

    fn sync_commits(&mut self, synced: bool) -> Result<(), StoreError> {
        if self.sync_failed || self.checkpointer.has_failed() {
            let cause = "a sync of its file failed; see to the disk and restart, nothing that was accepted is lost";
            return Err(StoreError::Broken(cause.to_owned().into()));
        }
        self.set_synced(synced).map_err(failure)
    }

    fn set_synced(&mut self, synced: bool) -> rusqlite::Result<()> {
        if self.synced != synced {
            let level = if synced { "FULL" } else { "NORMAL" };
            self.connection.pragma_update(None, "synchronous", level)?;
            self.synced = synced;
        }
        Ok(())
    }
}

impl<T: Tables> Drop for WriterState<T> {
    fn drop(&mut self) {
        if !self.guard.is_refused()
            && self.sync_commits(true).is_ok()
            && let Err(error) = self.finish()
        {
            tracing::warn!(%error, "the store's WAL was not folded back at the end");
        }
    }
}

/// Returns whether the next commit restarts the WAL. Does not wait for readers.
fn restart_wal(connection: &Connection) -> rusqlite::Result<bool> {
    connection.busy_timeout(Duration::ZERO)?;
    let restarted = checkpoint(connection, "PRAGMA wal_checkpoint(RESTART)").map(|(busy, _)| !busy);
    connection.busy_timeout(Duration::from_secs(5))?;
    restarted
}

#[cfg(test)]
mod tests;
