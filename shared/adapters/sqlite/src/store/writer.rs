//! The store's one writer: a thread with the only writing connection. What waits together, runs, notes and accounts, is
//! committed together.

use std::thread::JoinHandle;

use rusqlite::Connection;
use tidegate_kernel::Timestamp;
use tidegate_ports::StoreError;
use tokio::sync::{mpsc, oneshot};

use super::accounts;
use super::purge::purge;
use super::work::Work;
use super::writer_state::WriterState;
use crate::folder::{OwnedFolder, STORE};
use crate::guards::FileGuard;
use crate::sqlite::SqliteError;

/// Calls that may wait for the writer; more wait in their callers.
const WAITING_CALLS: usize = 64;
/// Rows committed together at most, beyond the first call's.
const ROWS_PER_COMMIT: usize = 4_096;

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
    pub fn start(connection: Connection, guard: FileGuard, folder: OwnedFolder) -> Result<Self, SqliteError> {
        let path = folder.folder().file(STORE);
        let state = WriterState::open(connection, guard, folder)?;
        let (calls, waiting) = mpsc::channel(WAITING_CALLS);
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || serve(state, waiting))
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
            .map_err(|source| SqliteError::Sqlite { path, source })?;
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
            // After a panic in the thread the callers that waited got an error.
            let _ = thread.join();
        }
    }
}

fn serve(mut state: WriterState, mut waiting: mpsc::Receiver<Call>) {
    let mut next = waiting.blocking_recv();
    while let Some(call) = next.take() {
        match call {
            Call::Purge { before, limit, done } => drop(done.send(state.delete(before, limit, purge))),
            Call::ForgetNotes { before, limit, done } => {
                drop(done.send(state.delete(before, limit, accounts::forget_notes)));
            }
            Call::Write { work, done } => {
                let mut rows = work.rows();
                let (mut works, mut callers) = (vec![work], vec![done]);
                while rows < ROWS_PER_COMMIT && next.is_none() {
                    match waiting.try_recv() {
                        Ok(Call::Write { work, done }) => {
                            rows += work.rows();
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
