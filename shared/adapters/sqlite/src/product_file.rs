//! A file of a product's own tables in a data folder.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tidegate_ports::StoreError;

use crate::folder::OwnedFolder;
use crate::sqlite::failure::{broken_off, failure};
use crate::sqlite::{self, FileKind, Migrations, SqliteError};

/// One connection, used on blocking threads. Each write is synced.
#[derive(Clone)]
pub struct ProductFile(Arc<Mutex<Connection>>);

impl ProductFile {
    /// Opens the file, and creates it where it is missing.
    ///
    /// # Errors
    /// [`SqliteError`].
    pub fn open(folder: &OwnedFolder, kind: FileKind, migrations: &Migrations) -> Result<Self, SqliteError> {
        let path = folder.folder().file(kind);
        sqlite::create(&path, kind)?;
        Ok(ProductFile(Arc::new(Mutex::new(sqlite::open(&path, kind, migrations)?))))
    }

    /// Runs `work`: one statement, or a transaction. A panic in it leaves nothing half done.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let connection = self.0.clone();
        let working = tokio::task::spawn_blocking(move || {
            work(&connection.lock().unwrap_or_else(PoisonError::into_inner)).map_err(failure)
        });
        working.await.map_err(|error| StoreError::Unavailable(broken_off("the work", error)))?
    }
}
