//! Files of a folder that another process may own, opened for reading only. Every read sees what was committed last.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, Error, ErrorCode};
use tidegate_ports::LogError;

use crate::folder::DataFolder;
use crate::sqlite::failure::{broken_off, cause};
use crate::sqlite::{self, FileKind, Migrations, SqliteError};

/// A connection that never writes, not even when it is closed.
pub(crate) struct ReadOnlyFile {
    connection: Mutex<Connection>,
    kind: FileKind,
    /// The schema version that reads are written for.
    version: usize,
}

impl ReadOnlyFile {
    /// # Errors
    /// [`SqliteError`].
    pub fn open(folder: &DataFolder, kind: FileKind, migrations: &Migrations) -> Result<Self, SqliteError> {
        let path = folder.file(kind);
        let connection = sqlite::open_reader(&path, kind)?;
        Ok(ReadOnlyFile { connection: Mutex::new(connection), kind, version: migrations.len() })
    }

    /// Like [`ReadOnlyFile::read_here`], on a thread that may block.
    ///
    /// # Errors
    /// The same.
    pub async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<Option<T>, LogError> {
        let file = self.clone();
        let read = tokio::task::spawn_blocking(move || file.read_here(work));
        read.await.map_err(|error| LogError::Unavailable(broken_off("a read", error)))?
    }

    /// Reads one state of the file. Blocks. `None`: no service was ever started on the folder, so there are no tables yet.
    ///
    /// # Errors
    /// [`LogError`]; broken where the file is damaged or of another version.
    fn read_here<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<Option<T>, LogError> {
        // A panic in a read leaves the connection as it was.
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        // Several statements see one state. Nothing is written, so the transaction need not be ended in order.
        let transaction = connection.unchecked_transaction().map_err(log_error)?;
        // Read each time: the owner may have migrated the file meanwhile.
        let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(log_error)?;
        match usize::try_from(found).unwrap_or(usize::MAX) {
            0 => Ok(None),
            found if found == self.version => work(&transaction).map(Some).map_err(log_error),
            found => {
                let (file, known) = (self.kind.file_name, self.version);
                Err(LogError::Broken(
                    format!(
                        "{file} has schema version {found} and this build reads version {known}: use the build of the \
                     service that owns the folder, or start this one on it once",
                    )
                    .into(),
                ))
            }
        }
    }
}

/// Whether retrying can help.
pub(crate) fn log_error(error: Error) -> LogError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => LogError::Broken(cause(error)),
        _ => LogError::Unavailable(cause(error)),
    }
}
