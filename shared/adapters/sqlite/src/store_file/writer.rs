//! The store's one writer: a thread with the only writing connection. What waits together is committed together.

use std::thread::JoinHandle;

use rusqlite::Connection;
use tidegate_ports::StoreError;
use tokio::sync::{mpsc, oneshot};

use super::Tables;
use super::writer_state::WriterState;
use crate::folder::OwnedFolder;
use crate::guards::FileGuard;
use crate::sqlite::{FileKind, SqliteError};

/// Calls that may wait for the writer; more wait in their callers.
const WAITING_CALLS: usize = 64;
/// Rows committed together at most, beyond the first call's.
const ROWS_PER_COMMIT: usize = 4_096;

/// Deletes rows inside a transaction, and returns how many.
type Delete = Box<dyn FnOnce(&Connection) -> rusqlite::Result<usize> + Send>;

enum Call<W> {
    Write { work: W, done: oneshot::Sender<Result<(), StoreError>> },
    Delete { delete: Delete, done: oneshot::Sender<Result<usize, StoreError>> },
}

/// Hands calls to the writer's thread. Dropping it ends the thread, after the calls that wait.
pub(super) struct Writer<T: Tables> {
    calls: Option<mpsc::Sender<Call<T::Work>>>,
    thread: Option<JoinHandle<()>>,
}

impl<T: Tables> Writer<T> {
    pub fn start(
        connection: Connection,
        guard: FileGuard,
        kind: FileKind,
        tables: T,
        folder: OwnedFolder,
    ) -> Result<Self, SqliteError> {
        let path = folder.folder().file(kind);
        let state = WriterState::open(connection, guard, kind, tables, folder)?;
        let (calls, waiting) = mpsc::channel(WAITING_CALLS);
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || serve(state, waiting))
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
            .map_err(|source| SqliteError::Sqlite { path, source })?;
        Ok(Writer { calls: Some(calls), thread: Some(thread) })
    }

    pub async fn write(&self, work: T::Work) -> Result<(), StoreError> {
        let (done, answer) = oneshot::channel();
        self.call(Call::Write { work, done }, answer).await
    }

    pub async fn delete(&self, delete: Delete) -> Result<usize, StoreError> {
        let (done, answer) = oneshot::channel();
        self.call(Call::Delete { delete, done }, answer).await
    }

    async fn call<R>(
        &self,
        call: Call<T::Work>,
        answer: oneshot::Receiver<Result<R, StoreError>>,
    ) -> Result<R, StoreError> {
        let gone = || StoreError::Unavailable("the store's writer has stopped".into());
        let calls = self.calls.as_ref().ok_or_else(gone)?;
        calls.send(call).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

impl<T: Tables> Drop for Writer<T> {
    fn drop(&mut self) {
        drop(self.calls.take());
        if let Some(thread) = self.thread.take() {
            // After a panic in the thread the callers that waited got an error.
            let _ = thread.join();
        }
    }
}

fn serve<T: Tables>(mut state: WriterState<T>, mut waiting: mpsc::Receiver<Call<T::Work>>) {
    let mut next = waiting.blocking_recv();
    while let Some(call) = next.take() {
        match call {
            Call::Delete { delete, done } => drop(done.send(state.delete(delete))),
            Call::Write { work, done } => {
                let mut rows = T::rows(&work);
                let (mut works, mut callers) = (vec![work], vec![done]);
                while rows < ROWS_PER_COMMIT && next.is_none() {
                    match waiting.try_recv() {
                        Ok(Call::Write { work, done }) => {
                            rows += T::rows(&work);
                            works.push(work);
                            callers.push(done);
                        }
                        Ok(other) => next = Some(other),
                        Err(_) => break,
                    }
                }
                let saved = state.save(&works);
                for done in callers {
                    // A caller that has gone needs no answer; the write is made.
                    let _ = done.send(saved.clone());
                }
            }
        }
        state.tend_wal();
        if next.is_none() {
            next = waiting.blocking_recv();
        }
    }
}
