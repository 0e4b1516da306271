//! What the store's writer works with: its connection, which commits it syncs, and the WAL that it tends.
//!
//! Saves and notes are not synced by themselves: the next account that is settled syncs them with it
//! (docs/adr/0017-saves-are-synced-by-the-settlement.md).

use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};
use tidegate_kernel::Timestamp;
use tidegate_ports::{Account, Halt, Note, RunWrite, StoreError};

use super::accounts;
use super::checkpoint::{Checkpointer, checkpoint};
use super::failure::{failure, is_of_the_disk};
use super::run_row::signed;
use super::save::{Pass, TeamNumbers};
use crate::checkpoints;
use crate::folder::{OwnedFolder, STORE};
use crate::mark::Mark;
use crate::sqlite::{self, SqliteError};

/// In bytes.
struct WalLimits {
    /// Written, after which a checkpoint is called for.
    checkpoint_every: u64,
    /// Beyond this the writer itself lets the WAL begin anew: under steady writing no passive checkpoint ever finds a
    /// moment in which it can. The file keeps its size: what is written over needs no new blocks, and its sync no inode.
    restart_beyond: u64,
    /// A file that readers made larger than this is cut when it begins anew.
    file: u64,
}

impl WalLimits {
    const USUAL: WalLimits = WalLimits { checkpoint_every: 4 << 20, restart_beyond: 64 << 20, file: 128 << 20 };
}

/// Of page cache for the writer: the upper levels of all indexes, and their newest leaves.
const CACHE_KIB: i64 = 32 * 1024;

/// What shares a commit with whatever else waits.
pub(super) enum Work {
    Runs(Arc<Vec<RunWrite>>),
    Notes(Arc<Vec<Note>>),
    Account(Account),
    Halt(Halt),
}

impl Work {
    pub fn rows(&self) -> usize {
        match self {
            Work::Runs(writes) => writes.len(),
            Work::Notes(notes) => notes.len(),
            Work::Account(_) | Work::Halt(_) => 1,
        }
    }

    /// Whether it must be on disk before it is answered, and all that was written before it. The WAL is one sequence, so
    /// one sync covers it.
    const fn is_synced(&self) -> bool {
        matches!(self, Work::Account(_))
    }
}

pub(super) struct Desk {
    connection: Connection,
    /// Whether its commits are synced, at present.
    synced: bool,
    /// A sync failed. What it was to cover may be lost without any later sync saying so, so there is none.
    sync_failed: bool,
    teams: TeamNumbers,
    mark: Mark,
    folder: OwnedFolder,
    /// Since the last checkpoint was counted, see [`checkpoints`].
    is_first_commit: bool,
    checkpointer: Checkpointer,
    limits: WalLimits,
    /// Written since a checkpoint was last called for.
    unchecked_bytes: u64,
}

impl Desk {
    pub fn open(connection: Connection, mark: Mark, folder: OwnedFolder) -> Result<Self, SqliteError> {
        let limits = WalLimits::USUAL;
        let path = &folder.folder().file(STORE);
        let failed = |source| SqliteError::Sqlite { path: path.into(), source };
        sqlite::keep_wal(&connection).map_err(failed)?;
        connection.pragma_update(None, "wal_autocheckpoint", 0).map_err(failed)?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB).map_err(failed)?;
        connection
            .pragma_update_and_check(None, "journal_size_limit", signed(limits.file), |_| Ok(()))
            .map_err(failed)?;
        let checkpointer = Checkpointer::start(path)?;
        let teams = TeamNumbers::new();
        Ok(Desk {
            connection,
            synced: true,
            sync_failed: false,
            teams,
            mark,
            folder,
            is_first_commit: true,
            checkpointer,
            limits,
            unchecked_bytes: 0,
        })
    }

    /// All of it in one transaction.
    pub fn save(&mut self, works: &[Work]) -> Result<(), StoreError> {
        let synced = works.iter().any(Work::is_synced);
        self.sync_commits(synced)?;
        match save_all(&mut self.connection, &mut self.teams, works, self.is_first_commit) {
            Ok(bytes) => {
                self.is_first_commit = false;
                self.unchecked_bytes += bytes;
                Ok(())
            }
            Err(error) => {
                // The transaction is rolled back, and with it the numbers it may have given out.
                self.teams.clear();
                if synced {
                    self.note_failed_sync(&error);
                }
                Err(failure(error))
            }
        }
    }

    pub fn delete(
        &mut self,
        before: Timestamp,
        limit: usize,
        delete: impl FnOnce(&Connection, Timestamp, usize) -> rusqlite::Result<usize>,
    ) -> Result<usize, StoreError> {
        self.sync_commits(false)?;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failure)?;
        if self.is_first_commit {
            checkpoints::note_first_commit(&transaction).map_err(failure)?;
        }
        let deleted = delete(&transaction, before, limit).map_err(failure)?;
        transaction.commit().map_err(failure)?;
        self.is_first_commit = false;
        self.unchecked_bytes += deleted as u64 * 256;
        Ok(deleted)
    }

    /// Begins a checkpoint when it is time, or lets the WAL begin anew.
    pub fn tend_wal(&mut self) {
        if self.unchecked_bytes < self.limits.checkpoint_every || !self.checkpointer.is_idle() {
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
        if self.checkpointer.wal_bytes() <= self.limits.restart_beyond {
            let Some(snapshot) = self.checkpointer.take_snapshot()? else { return Ok(()) };
            let counted = self.count_checkpoint();
            self.checkpointer.give(snapshot, counted.is_ok());
            return counted;
        }
        self.count_checkpoint()?;
        // A reader may need it still: the next time then.
        if restart_wal(&self.connection)? {
            self.checkpointer.restarted();
        }
        Ok(())
    }

    fn count_checkpoint(&mut self) -> rusqlite::Result<()> {
        self.set_synced(true)?;
        self.mark.raise_checkpoints(checkpoints::count(&self.connection)?);
        self.is_first_commit = true;
        Ok(())
    }

    /// Folds the whole WAL into the file. What fails here is read from the WAL at the next start.
    fn finish(&mut self) -> rusqlite::Result<()> {
        self.checkpointer.end();
        self.count_checkpoint()?;
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

impl Drop for Desk {
    fn drop(&mut self) {
        if !self.folder.is_refused()
            && self.sync_commits(true).is_ok()
            && let Err(error) = self.finish()
        {
            tracing::warn!(%error, "the store's WAL was not folded back at the end");
        }
    }
}

fn save_all(
    connection: &mut Connection,
    teams: &mut TeamNumbers,
    works: &[Work],
    is_first_commit: bool,
) -> rusqlite::Result<u64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if is_first_commit {
        checkpoints::note_first_commit(&transaction)?;
    }
    let mut pass = Pass::begin(&transaction, teams)?;
    for work in works {
        match work {
            Work::Runs(writes) => writes.iter().try_for_each(|write| pass.save(write))?,
            Work::Notes(notes) => pass.bytes += accounts::save_notes(&transaction, notes)?,
            Work::Account(account) => accounts::save_account(&transaction, account)?,
            Work::Halt(halt) => accounts::save_halt(&transaction, halt)?,
        }
    }
    let bytes = pass.finish()?;
    transaction.commit()?;
    Ok(bytes)
}

/// Whether the next commit begins the WAL anew. Does not wait for readers.
fn restart_wal(connection: &Connection) -> rusqlite::Result<bool> {
    connection.busy_timeout(Duration::ZERO)?;
    let restarted = checkpoint(connection, "PRAGMA wal_checkpoint(RESTART)").map(|(busy, _)| !busy);
    connection.busy_timeout(Duration::from_secs(5))?;
    restarted
}

#[cfg(test)]
mod tests;
