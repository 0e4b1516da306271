//! The store's one writer: a thread with the only writing connection. What waits together, runs, notes and accounts, is
//! committed together, with one sync.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};
use tidegate_domain::Timestamp;
use tidegate_ports::{Account, Note, RunWrite, StoreError};
use tokio::sync::{mpsc, oneshot};

use super::accounts;
use super::checkpoint::Checkpointer;
use super::failure::failure;
use super::purge::purge;
use super::save::{Pass, TeamNumbers};
use crate::sqlite::{FileKind, SqliteError};

/// Calls that may wait for the writer; more wait in their callers.
const WAITING_CALLS: usize = 64;
/// Rows committed together at most, beyond the first call's.
const ROWS_PER_COMMIT: usize = 4_096;
/// Written bytes after which a checkpoint is called for.
const BYTES_PER_CHECKPOINT: u64 = 4 * 1024 * 1024;
/// A WAL file above this is emptied by the writer itself: under steady writing no passive checkpoint ever finds a
/// moment in which the WAL can begin anew.
const WAL_LIMIT_BYTES: u64 = 64 * 1024 * 1024;
/// Of page cache for the writer: the upper levels of all indexes, and their newest leaves.
const CACHE_KIB: i64 = 32 * 1024;

/// What shares a commit with whatever else waits.
pub(super) enum Work {
    Runs(Arc<Vec<RunWrite>>),
    Notes(Arc<Vec<Note>>),
    Account(Account),
}

impl Work {
    fn rows(&self) -> usize {
        match self {
            Work::Runs(writes) => writes.len(),
            Work::Notes(notes) => notes.len(),
            Work::Account(_) => 1,
        }
    }
}

enum Call {
    Write { work: Work, done: oneshot::Sender<Result<(), StoreError>> },
    Purge { before: Timestamp, limit: usize, done: oneshot::Sender<Result<usize, StoreError>> },
    ForgetNotes { before: Timestamp, limit: usize, done: oneshot::Sender<Result<usize, StoreError>> },
}

/// Hands calls to the writer's thread. Dropping it ends the thread, after the calls that wait.
pub(super) struct Writer {
    calls: Option<mpsc::Sender<Call>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub fn start(connection: Connection, path: &Path, kind: FileKind) -> Result<Self, SqliteError> {
        let failed = |source| SqliteError::Sqlite { path: path.into(), source };
        connection.pragma_update(None, "wal_autocheckpoint", 0).map_err(failed)?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB).map_err(failed)?;
        let checkpointer = Checkpointer::start(path, kind)?;
        let (calls, waiting) = mpsc::channel(WAITING_CALLS);
        let mut wal = path.as_os_str().to_owned();
        wal.push("-wal");
        let desk = Desk { connection, teams: TeamNumbers::new(), checkpointer, wal: wal.into(), unchecked_bytes: 0 };
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || desk.serve(waiting))
            .map_err(|error| failed(rusqlite::Error::ToSqlConversionFailure(error.into())))?;
        Ok(Writer { calls: Some(calls), thread: Some(thread) })
    }

    pub async fn write(&self, work: Work) -> Result<(), StoreError> {
        let (done, answer) = oneshot::channel();
        self.call(Call::Write { work, done }, answer).await
    }

    pub async fn purge(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let (done, answer) = oneshot::channel();
        self.call(Call::Purge { before, limit, done }, answer).await
    }

    pub async fn forget_notes(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let (done, answer) = oneshot::channel();
        self.call(Call::ForgetNotes { before, limit, done }, answer).await
    }

    async fn call<T>(&self, call: Call, answer: oneshot::Receiver<Result<T, StoreError>>) -> Result<T, StoreError> {
        let gone = || StoreError::Unavailable("the store's writer has stopped".into());
        let calls = self.calls.as_ref().ok_or_else(gone)?;
        calls.send(call).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.calls.take());
        if let Some(thread) = self.thread.take() {
            // A panic over there was told to the callers that waited.
            let _ = thread.join();
        }
    }
}

/// What the thread works with.
struct Desk {
    connection: Connection,
    teams: TeamNumbers,
    checkpointer: Checkpointer,
    wal: PathBuf,
    /// Written since a checkpoint was last called for.
    unchecked_bytes: u64,
}

impl Desk {
    fn serve(mut self, mut waiting: mpsc::Receiver<Call>) {
        let mut next = waiting.blocking_recv();
        while let Some(call) = next.take() {
            match call {
                Call::Purge { before, limit, done } => drop(done.send(self.delete(before, limit, purge))),
                Call::ForgetNotes { before, limit, done } => {
                    drop(done.send(self.delete(before, limit, accounts::forget_notes)));
                }
                Call::Write { work, done } => {
                    let mut rows = work.rows();
                    let mut together = vec![(work, done)];
                    while rows < ROWS_PER_COMMIT && next.is_none() {
                        match waiting.try_recv() {
                            Ok(Call::Write { work, done }) => {
                                rows += work.rows();
                                together.push((work, done));
                            }
                            Ok(other) => next = Some(other),
                            Err(_) => break,
                        }
                    }
                    let saved = self.save(together.iter().map(|(work, _)| work));
                    for (_, done) in together {
                        // A caller that has gone needs no answer; the write stands.
                        let _ = done.send(saved.clone());
                    }
                }
            }
            self.tend_wal();
            if next.is_none() {
                next = waiting.blocking_recv();
            }
        }
    }

    fn save<'w>(&mut self, works: impl Iterator<Item = &'w Work>) -> Result<(), StoreError> {
        let saved = save_all(&mut self.connection, &mut self.teams, works);
        match saved {
            Ok(bytes) => {
                self.unchecked_bytes += bytes;
                Ok(())
            }
            Err(error) => {
                // The transaction is rolled back, and with it the numbers it may have given out.
                self.teams.clear();
                Err(failure(error))
            }
        }
    }

    fn delete(
        &mut self,
        before: Timestamp,
        limit: usize,
        delete: impl FnOnce(&Connection, Timestamp, usize) -> rusqlite::Result<usize>,
    ) -> Result<usize, StoreError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failure)?;
        let deleted = delete(&transaction, before, limit).map_err(failure)?;
        transaction.commit().map_err(failure)?;
        self.unchecked_bytes += deleted as u64 * 256;
        Ok(deleted)
    }

    fn tend_wal(&mut self) {
        if self.unchecked_bytes >= BYTES_PER_CHECKPOINT {
            self.unchecked_bytes = 0;
            self.checkpointer.call();
        }
        let wal_bytes = self.wal.metadata().map(|metadata| metadata.len()).unwrap_or(0);
        if wal_bytes > WAL_LIMIT_BYTES
            && let Err(error) = empty_wal(&self.connection)
        {
            tracing::warn!(%error, "the store's WAL could not be emptied; it is tried again");
        }
    }
}

fn save_all<'w>(
    connection: &mut Connection,
    teams: &mut TeamNumbers,
    works: impl Iterator<Item = &'w Work>,
) -> rusqlite::Result<u64> {
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

/// Does not wait for readers: while one needs the WAL, the next commit tries again.
fn empty_wal(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::ZERO)?;
    let emptied = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    connection.busy_timeout(Duration::from_secs(5))?;
    emptied
}
