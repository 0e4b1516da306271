//! Moves what is in the WAL into the file, from a connection and thread of its own, so that commits do not wait.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::failure::is_of_the_disk;
use super::run_row::unsigned;
use crate::sqlite::{self, FileKind, SqliteError};

/// Tells the checkpointer that there is something to do; dropping it ends the thread.
pub(super) struct Checkpointer {
    due: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    /// Bytes of the WAL in use, as of the last checkpoint.
    wal_bytes: Arc<AtomicU64>,
    /// A checkpoint met a disk that does not read, write or sync.
    failed: Arc<AtomicBool>,
}

impl Checkpointer {
    pub fn start(path: &Path, kind: FileKind) -> Result<Self, SqliteError> {
        let connection = sqlite::open_again(path, kind)?;
        // One call in waiting is enough: a checkpoint takes all there is.
        let (due, calls) = sync_channel(1);
        let wal_bytes = Arc::new(AtomicU64::new(0));
        let failed = Arc::new(AtomicBool::new(false));
        let told = (wal_bytes.clone(), failed.clone());
        let thread = std::thread::Builder::new()
            .name("store-checkpoint".into())
            .spawn(move || checkpoint_when_called(&connection, &calls, &told.0, &told.1))
            .map_err(|error| SqliteError::Sqlite {
                path: path.into(),
                source: rusqlite::Error::ToSqlConversionFailure(error.into()),
            })?;
        Ok(Checkpointer { due: Some(due), thread: Some(thread), wal_bytes, failed })
    }

    /// Bytes of the WAL in use, as of the last checkpoint.
    pub fn wal_bytes(&self) -> u64 {
        self.wal_bytes.load(Ordering::Relaxed)
    }

    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// The WAL begins anew.
    pub fn restarted(&self) {
        self.wal_bytes.store(0, Ordering::Relaxed);
    }

    /// Asks for a checkpoint; never waits.
    pub fn call(&self) {
        if let Some(due) = &self.due {
            // Full: a call waits already.
            let _ = due.try_send(());
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        drop(self.due.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn checkpoint_when_called(connection: &Connection, calls: &Receiver<()>, wal_bytes: &AtomicU64, failed: &AtomicBool) {
    while calls.recv().is_ok() {
        match checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)") {
            // PASSIVE waits for nobody; what readers still need is left for the next time.
            Ok((_, bytes)) => wal_bytes.store(bytes, Ordering::Relaxed),
            Err(error) => {
                tracing::warn!(%error, "a checkpoint of the store failed; it is tried again");
                if is_of_the_disk(&error) {
                    failed.store(true, Ordering::Relaxed);
                }
            }
        }
    }
}

/// Whether somebody was in the way, and how many bytes of the WAL are in use.
pub(super) fn checkpoint(connection: &Connection, pragma: &str) -> rusqlite::Result<(bool, u64)> {
    let page_bytes: u64 = connection.pragma_query_value(None, "page_size", |row| unsigned(row, 0))?;
    connection.query_row(pragma, [], |row| {
        let pages = row.get::<_, i64>(1)?;
        Ok((row.get(0)?, u64::try_from(pages).unwrap_or(0) * page_bytes))
    })
}
