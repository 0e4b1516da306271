//! Dead letters on the data folder: rarely written, so one connection behind a lock is enough.

mod provenance;
mod read_only;
mod rows;

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use rusqlite::{Connection, params};
use tidegate_kernel::Position;
use tidegate_ports::{DeadLetter, DeadLetters, FailureCause, LogError};

use crate::folder::{DEAD_LETTERS, OwnedFolder};
use crate::sqlite::failure::cause;
use crate::sqlite::values::unsigned;
use crate::sqlite::{self, Migrations, SqliteError};

pub use read_only::EmbeddedReadDeadLetters;

const SCHEMA: &Migrations = &[
    "
    CREATE TABLE dead_letters (
        generation INTEGER NOT NULL,
        partition INTEGER NOT NULL,
        offset INTEGER NOT NULL,
        appended_at_ms INTEGER NOT NULL,
        buried_at_ms INTEGER NOT NULL,
        reason TEXT NOT NULL,
        payload BLOB NOT NULL,
        PRIMARY KEY (generation, partition, offset)
    ) STRICT
",
    "
    ALTER TABLE dead_letters ADD COLUMN provenance TEXT
",
];

/// Records of this folder's log that could not be applied.
#[derive(Clone, Debug)]
pub struct EmbeddedDeadLetters {
    connection: Arc<Mutex<Connection>>,
    _folder: OwnedFolder,
}

impl EmbeddedDeadLetters {
    /// # Errors
    /// [`SqliteError`].
    pub fn open(folder: &OwnedFolder) -> Result<Self, SqliteError> {
        let connection = sqlite::open(&folder.folder().file(DEAD_LETTERS), DEAD_LETTERS, SCHEMA)?;
        Ok(EmbeddedDeadLetters { connection: Arc::new(Mutex::new(connection)), _folder: folder.clone() })
    }

    /// The number of dead letters.
    pub(crate) async fn count(&self) -> Result<u64, LogError> {
        let count = |connection: &Connection| {
            connection.query_row("SELECT count(*) FROM dead_letters", [], |row| unsigned(row, 0))
        };
        self.on_connection(count).await
    }

    async fn on_connection<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, LogError> {
        let connection = self.connection.clone();
        let worked = tokio::task::spawn_blocking(move || {
            // Every statement below is a transaction of its own: a panic leaves nothing half done.
            work(&connection.lock().unwrap_or_else(PoisonError::into_inner))
        });
        let unavailable =
            |cause: FailureCause| LogError::Unavailable(cause.in_words(|cause| format!("dead letters: {cause}")));
        let worked =
            worked.await.map_err(|error| unavailable(FailureCause::from(error.to_string()).caused_by(error)))?;
        worked.map_err(|error| unavailable(cause(error)))
    }
}

#[async_trait]
impl DeadLetters for EmbeddedDeadLetters {
    async fn append(&self, dead_letter: DeadLetter) -> Result<(), LogError> {
        self.on_connection(move |connection| {
            let mut statement = connection
                .prepare_cached("INSERT OR IGNORE INTO dead_letters VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
            statement.execute(params![
                dead_letter.position.generation,
                dead_letter.position.partition,
                dead_letter.position.offset,
                dead_letter.appended_at.as_millis(),
                dead_letter.dead_lettered_at.as_millis(),
                dead_letter.reason,
                &dead_letter.payload[..],
                provenance::to_json(&dead_letter.provenance),
            ])?;
            Ok(())
        })
        .await
    }

    async fn list(&self, after: Option<Position>, limit: usize) -> Result<Vec<DeadLetter>, LogError> {
        self.on_connection(move |connection| rows::list(connection, after, limit)).await
    }

    async fn find(&self, position: Position) -> Result<Option<DeadLetter>, LogError> {
        self.on_connection(move |connection| rows::find(connection, position)).await
    }
}
