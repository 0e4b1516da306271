//! Dead letters, read while another process owns the folder.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_kernel::Position;
use tidegate_ports::{DeadLetter, DeadLetters, LogError};

use super::{SCHEMA, rows};
use crate::folder::{DEAD_LETTERS, DataFolder};
use crate::read_only::ReadOnlyFile;
use crate::sqlite::SqliteError;

/// The dead letters of a folder, for reading only; another process may own it.
#[derive(Clone)]
pub struct EmbeddedReadDeadLetters {
    file: Arc<ReadOnlyFile>,
}

impl EmbeddedReadDeadLetters {
    /// # Errors
    /// [`SqliteError`].
    pub fn open(folder: &DataFolder) -> Result<Self, SqliteError> {
        Ok(EmbeddedReadDeadLetters { file: Arc::new(ReadOnlyFile::open(folder, DEAD_LETTERS, SCHEMA)?) })
    }
}

#[async_trait]
impl DeadLetters for EmbeddedReadDeadLetters {
    /// Only the owner of the folder writes dead letters.
    async fn append(&self, dead_letter: DeadLetter) -> Result<(), LogError> {
        Err(LogError::Broken(
            format!("the dead letters are open for reading only: {} is not appended", dead_letter.position).into(),
        ))
    }

    async fn list(&self, after: Option<Position>, limit: usize) -> Result<Vec<DeadLetter>, LogError> {
        Ok(self.file.read(move |connection| rows::list(connection, after, limit)).await?.unwrap_or_default())
    }

    async fn find(&self, position: Position) -> Result<Option<DeadLetter>, LogError> {
        Ok(self.file.read(move |connection| rows::find(connection, position)).await?.flatten())
    }
}
