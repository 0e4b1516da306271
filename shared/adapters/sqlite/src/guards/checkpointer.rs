//! Moves what is in a write-ahead log into its file, from a connection and thread of its own, so that commits do not wait.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::Snapshot;
use crate::sqlite::failure::is_of_the_disk;
use crate::sqlite::values::unsigned;
use crate::sqlite::{self, FileKind, SqliteError};

/// Runs checkpoints, one at a time. Dropping it ends the thread.
pub(crate) struct Checkpointer {
    /// Takes the snapshot that the checkpoint must not go beyond.
    due: Option<SyncSender<Snapshot>>,
    /// Gives the snapshot back, released.
    done: Receiver<Snapshot>,
    /// `None` while a checkpoint runs.
    snapshot: Option<Snapshot>,
    thread: Option<JoinHandle<()>>,
    /// Bytes of the WAL in use, as of the last checkpoint.
    wal_bytes: Arc<AtomicU64>,
    /// A checkpoint failed because the disk did not read, write or sync.
    failed: Arc<AtomicBool>,
}

impl Checkpointer {
    /// # Errors
    /// [`SqliteError`].
    pub fn start(path: &Path, kind: FileKind) -> Result<Self, SqliteError> {
        let connection = sqlite::open_again(path, kind)?;
        let snapshot = Some(Snapshot::open(path, kind)?);
        let (due, calls) = sync_channel(1);
        let (back, done) = sync_channel(1);
        let wal_bytes = Arc::new(AtomicU64::new(0));
        let failed = Arc::new(AtomicBool::new(false));
        let shared = (wal_bytes.clone(), failed.clone());
        let thread = std::thread::Builder::new()
            .name("store-checkpoint".into())
            .spawn(move || checkpoint_when_called(&connection, &calls, &back, &shared.0, &shared.1))
            .map_err(|error| SqliteError::Sqlite {
                path: path.into(),
                source: rusqlite::Error::ToSqlConversionFailure(error.into()),
            })?;
        Ok(Checkpointer { due: Some(due), done, snapshot, thread: Some(thread), wal_bytes, failed })
    }

    /// Bytes of the WAL in use, as of the last checkpoint.
    pub fn wal_bytes(&self) -> u64 {
        self.wal_bytes.load(Ordering::Relaxed)
    }

    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// The WAL restarted.
    pub fn restarted(&self) {
        self.wal_bytes.store(0, Ordering::Relaxed);
    }

    /// Whether no checkpoint runs.
    pub fn is_idle(&mut self) -> bool {
        if self.snapshot.is_none() {
            self.snapshot = self.done.try_recv().ok();
        }
        self.snapshot.is_some()
    }

    /// Begins a checkpoint of what is committed now, after `count` has counted it. Returns at once. Does nothing while one
    /// runs.
    ///
    /// # Errors
    /// The snapshot could not be taken, or what `count` returns; no checkpoint begins then.
    pub fn begin(&mut self, count: impl FnOnce() -> rusqlite::Result<()>) -> rusqlite::Result<()> {
        let Some(snapshot) = self.snapshot.take() else { return Ok(()) };
        if let Err(error) = snapshot.take() {
            self.snapshot = Some(snapshot);
            return Err(error);
        }
        let counted = count();
        match &self.due {
            // There is room: the thread has one at a time. Without the thread the snapshot comes back.
            Some(due) if counted.is_ok() => match due.try_send(snapshot) {
                Ok(()) => {}
                Err(TrySendError::Full(snapshot) | TrySendError::Disconnected(snapshot)) => self.take_back(snapshot),
            },
            _ => self.take_back(snapshot),
        }
        counted
    }

    fn take_back(&mut self, snapshot: Snapshot) {
        snapshot.release();
        self.snapshot = Some(snapshot);
    }

    /// Waits for the checkpoint that runs, and lets no other begin.
    pub fn end(&mut self) {
        drop(self.due.take());
        if let Some(thread) = self.thread.take() {
            // A panic over there leaves the WAL as it was.
            let _ = thread.join();
        }
        self.snapshot = None;
        drop(self.done.try_recv());
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.end();
    }
}

fn checkpoint_when_called(
    connection: &Connection,
    calls: &Receiver<Snapshot>,
    back: &SyncSender<Snapshot>,
    wal_bytes: &AtomicU64,
    failed: &AtomicBool,
) {
    while let Ok(snapshot) = calls.recv() {
        match checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)") {
            // PASSIVE does not wait for readers; what they still need is left for the next time.
            Ok((_, bytes)) => wal_bytes.store(bytes, Ordering::Relaxed),
            Err(error) => {
                tracing::warn!(%error, "a checkpoint of the store failed; it is tried again");
                if is_of_the_disk(&error) {
                    failed.store(true, Ordering::Relaxed);
                }
            }
        }
        snapshot.release();
        // No caller waits for it at the end.
        let _ = back.try_send(snapshot);
    }
}

/// Runs a checkpoint. Returns whether a reader or writer blocked it, and how many bytes of the WAL are in use.
pub(crate) fn checkpoint(connection: &Connection, pragma: &str) -> rusqlite::Result<(bool, u64)> {
    let page_bytes: u64 = connection.pragma_query_value(None, "page_size", |row| unsigned(row, 0))?;
    connection.query_row(pragma, [], |row| {
        let pages = row.get::<_, i64>(1)?;
        Ok((row.get(0)?, u64::try_from(pages).unwrap_or(0) * page_bytes))
    })
}
