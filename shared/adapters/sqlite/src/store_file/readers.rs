//! A few connections for reading, used on blocking threads. A read begun after a save returned sees what it saved.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tidegate_ports::StoreError;
use tokio::sync::Semaphore;

use crate::sqlite::failure::{broken_off, failure};
use crate::sqlite::{self, FileKind, SqliteError};

#[derive(Clone)]
pub(crate) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    /// Opens `count` connections: as many reads run at once, others wait their turn.
    pub fn open(path: &Path, kind: FileKind, count: usize) -> Result<Self, SqliteError> {
        let connections: Vec<Connection> =
            (0..count).map(|_| sqlite::open_reader(path, kind)).collect::<Result<_, _>>()?;
        Ok(Readers { idle: Arc::new(Mutex::new(connections)), permits: Arc::new(Semaphore::new(count)) })
    }

    /// Runs `work` on one of the connections, in one snapshot.
    pub async fn read<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|_| StoreError::Unavailable("the store is closed".into()))?;
        let idle = Arc::clone(&self.idle);
        let read = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let connection = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(connection) = connection else {
                return Err(StoreError::Unavailable("a reader was lost".into()));
            };
            let answer = in_snapshot(&connection, work).map_err(failure);
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            answer
        });
        read.await.map_err(|error| StoreError::Unavailable(broken_off("a read", error)))?
    }
}

fn in_snapshot<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let transaction = connection.unchecked_transaction()?;
    let answer = work(&transaction)?;
    transaction.commit()?;
    Ok(answer)
}
