//! What the store's writer works with: its connection, which commits it syncs, and the WAL that it tends.
//!
//! Saves and notes are not synced by themselves: the next account that is settled syncs them with it
//! (docs/adr/0017-saves-are-synced-by-the-settlement.md).

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};
use tidegate_domain::Timestamp;
use tidegate_ports::{Account, Note, RunWrite, StoreError};

use super::accounts;
use super::checkpoint::{Checkpointer, checkpoint};
use super::failure::{failure, is_of_the_disk};
use super::run_row::signed;
use super::save::{Pass, TeamNumbers};
use crate::sqlite::{FileKind, SqliteError};

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
}

impl Work {
    pub fn rows(&self) -> usize {
        match self {
            Work::Runs(writes) => writes.len(),
            Work::Notes(notes) => notes.len(),
            Work::Account(_) => 1,
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
    checkpointer: Checkpointer,
    limits: WalLimits,
    /// Written since a checkpoint was last called for.
    unchecked_bytes: u64,
}

impl Desk {
    pub fn open(connection: Connection, path: &Path, kind: FileKind) -> Result<Self, SqliteError> {
        let limits = WalLimits::USUAL;
        let failed = |source| SqliteError::Sqlite { path: path.into(), source };
        connection.pragma_update(None, "wal_autocheckpoint", 0).map_err(failed)?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB).map_err(failed)?;
        connection
            .pragma_update_and_check(None, "journal_size_limit", signed(limits.file), |_| Ok(()))
            .map_err(failed)?;
        let checkpointer = Checkpointer::start(path, kind)?;
        let teams = TeamNumbers::new();
        Ok(Desk { connection, synced: true, sync_failed: false, teams, checkpointer, limits, unchecked_bytes: 0 })
    }

    /// All of it in one transaction.
    pub fn save(&mut self, works: &[Work]) -> Result<(), StoreError> {
        let synced = works.iter().any(Work::is_synced);
        self.sync_commits(synced)?;
        match save_all(&mut self.connection, &mut self.teams, works) {
            Ok(bytes) => {
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
        let deleted = delete(&transaction, before, limit).map_err(failure)?;
        transaction.commit().map_err(failure)?;
        self.unchecked_bytes += deleted as u64 * 256;
        Ok(deleted)
    }

    /// Calls for a checkpoint when it is time, and lets the WAL begin anew.
    pub fn tend_wal(&mut self) {
        if self.unchecked_bytes >= self.limits.checkpoint_every {
            self.unchecked_bytes = 0;
            self.checkpointer.call();
        }
        if self.checkpointer.wal_bytes() > self.limits.restart_beyond {
            match restart_wal(&self.connection) {
                Ok(true) => self.checkpointer.restarted(),
                // A reader needs it still: the next commit tries again.
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(%error, "the store's WAL could not begin anew; it is tried again");
                    self.note_failed_sync(&error);
                }
            }
        }
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
            return Err(StoreError::Broken(cause.to_owned()));
        }
        if self.synced != synced {
            let level = if synced { "FULL" } else { "NORMAL" };
            self.connection.pragma_update(None, "synchronous", level).map_err(failure)?;
            self.synced = synced;
        }
        Ok(())
    }
}

fn save_all(connection: &mut Connection, teams: &mut TeamNumbers, works: &[Work]) -> rusqlite::Result<u64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut pass = Pass::begin(&transaction, teams)?;
    for work in works {
        match work {
            Work::Runs(writes) => writes.iter().try_for_each(|write| pass.save(write))?,
            Work::Notes(notes) => pass.bytes += accounts::save_notes(&transaction, notes)?,
            Work::Account(account) => accounts::save_account(&transaction, account)?,
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
mod tests {
    use rusqlite::ffi;
    use tidegate_domain::Position;
    use tidegate_ports::Fate;

    use super::*;
    use crate::folder;
    use crate::sqlite;
    use crate::store::schema::MIGRATIONS;

    fn desk(place: &Path) -> Desk {
        let path = place.join("store.db");
        sqlite::create(&path, folder::STORE).expect("made");
        let connection = sqlite::open(&path, folder::STORE, MIGRATIONS).expect("opened");
        Desk::open(connection, &path, folder::STORE).expect("a desk")
    }

    #[test]
    fn only_what_is_settled_is_synced_and_with_it_all_before() {
        let place = tempfile::tempdir().expect("a folder");
        let mut desk = desk(place.path());
        let runs = || Work::Runs(Arc::default());
        let notes = || Work::Notes(Arc::default());
        let mut next_offset = 0;
        let mut account = || {
            next_offset += 1;
            Work::Account(Account { next_offset, stored: 1, ..Account::opened(1, 0, 0) })
        };
        for (works, synced) in [
            (vec![runs()], false),
            (vec![notes(), runs(), account()], true),
            (vec![notes()], false),
            (vec![account()], true),
        ] {
            desk.save(&works).expect("saved");
            let level: i64 = desk.connection.pragma_query_value(None, "synchronous", |row| row.get(0)).expect("read");
            // SQLite's numbers: 1 is NORMAL, 2 is FULL.
            assert_eq!(level, if synced { 2 } else { 1 });
        }
    }

    #[test]
    fn under_steady_writing_the_wal_begins_anew_and_its_file_is_written_over() {
        let place = tempfile::tempdir().expect("a folder");
        let mut desk = desk(place.path());
        desk.limits = WalLimits { checkpoint_every: 64 << 10, restart_beyond: 512 << 10, ..WalLimits::USUAL };
        let file_bytes = || place.path().join("store.db-wal").metadata().expect("a WAL").len();
        let mut offset = 0;
        let mut write = |desk: &mut Desk| {
            offset += 1;
            let note = |place| Note {
                position: Position { generation: 1, partition: place, offset },
                appended_at: Timestamp::from_millis(offset),
                key: None,
                fate: Fate::Dead,
            };
            desk.save(&[Work::Notes(Arc::new((0..100).map(note).collect()))]).expect("saved");
        };
        let mut was_beyond = false;
        while !(was_beyond && desk.checkpointer.wal_bytes() == 0) {
            write(&mut desk);
            was_beyond |= desk.checkpointer.wal_bytes() > desk.limits.restart_beyond;
            desk.tend_wal();
            assert!(file_bytes() < 256 << 20, "it never begins anew");
        }
        let before = file_bytes();
        write(&mut desk);
        assert_eq!(file_bytes(), before);
    }

    #[test]
    fn after_a_sync_that_failed_nothing_is_written_any_more() {
        let place = tempfile::tempdir().expect("a folder");
        let mut desk = desk(place.path());
        let failure = |code| rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
        let account = || Work::Account(Account::opened(1, 0, 0));
        for passes in [ffi::SQLITE_FULL, ffi::SQLITE_BUSY] {
            desk.note_failed_sync(&failure(passes));
            desk.save(&[account()]).expect("saved");
        }
        desk.note_failed_sync(&failure(ffi::SQLITE_IOERR_FSYNC));
        assert!(matches!(desk.save(&[account()]), Err(StoreError::Broken(_))));
        assert!(matches!(desk.save(&[Work::Runs(Arc::default())]), Err(StoreError::Broken(_))));
        assert!(matches!(desk.delete(Timestamp::from_millis(0), 1, |_, _, _| Ok(0)), Err(StoreError::Broken(_))));
    }
}
