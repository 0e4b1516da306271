//! Dead letters read beside the process that owns the folder.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_kernel::Position;
use tidegate_ports::{DeadLetter, DeadLetters, LogError};

use super::{SCHEMA, rows};
use crate::beside::Beside;
use crate::folder::{DEAD_LETTERS, DataFolder};
use crate::sqlite::SqliteError;

/// The dead letters of a folder, for reading only; another process may own it.
#[derive(Clone)]
pub struct EmbeddedDeadLettersBeside {
    file: Arc<Beside>,
}

impl EmbeddedDeadLettersBeside {
    /// # Errors
    /// [`SqliteError`].
    pub fn open(folder: &DataFolder) -> Result<Self, SqliteError> {
        Ok(EmbeddedDeadLettersBeside { file: Arc::new(Beside::open(folder, DEAD_LETTERS, SCHEMA)?) })
    }
}

#[async_trait]
impl DeadLetters for EmbeddedDeadLettersBeside {
    /// Only the owner of the folder appends.
    async fn append(&self, letter: DeadLetter) -> Result<(), LogError> {
        Err(LogError::Broken(format!(
            "the dead letters are open for reading only: {} is not appended",
            letter.position
        )))
    }

    async fn list(&self, after: Option<Position>, limit: usize) -> Result<Vec<DeadLetter>, LogError> {
        Ok(self.file.read(move |connection| rows::list(connection, after, limit)).await?.unwrap_or_default())
    }

    async fn find(&self, position: Position) -> Result<Option<DeadLetter>, LogError> {
        Ok(self.file.read(move |connection| rows::find(connection, position)).await?.flatten())
    }
}
