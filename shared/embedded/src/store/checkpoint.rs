//! Moves what is in the WAL into the file, from a connection and thread of its own, so that commits do not wait.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

use crate::sqlite::{self, FileKind, SqliteError};

/// Tells the checkpointer that there is something to do; dropping it ends the thread.
pub(super) struct Checkpointer {
    due: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    pub fn start(path: &Path, kind: FileKind) -> Result<Self, SqliteError> {
        let connection = sqlite::open_again(path, kind)?;
        // One call in waiting is enough: a checkpoint takes all there is.
        let (due, calls) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("store-checkpoint".into())
            .spawn(move || checkpoint_when_called(&connection, &calls))
            .map_err(|error| SqliteError::Sqlite {
                path: path.into(),
                source: rusqlite::Error::ToSqlConversionFailure(error.into()),
            })?;
        Ok(Checkpointer { due: Some(due), thread: Some(thread) })
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

fn checkpoint_when_called(connection: &Connection, calls: &Receiver<()>) {
    while calls.recv().is_ok() {
        // PASSIVE waits for nobody; what readers still need is left for the next time.
        let checkpoint = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        if let Err(error) = checkpoint {
            tracing::warn!(%error, "a checkpoint of the store failed; it is tried again");
        }
    }
}
