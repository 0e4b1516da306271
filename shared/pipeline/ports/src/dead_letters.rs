//! The dead letter port: storage of records that can never be applied.

use async_trait::async_trait;
use bytes::Bytes;
use tidegate_kernel::{Position, Timestamp};

use crate::{LogError, Provenance};

/// Keeps records that cannot be applied, with everything needed to look into them and to replay them.
#[async_trait]
pub trait DeadLetters: Send + Sync + 'static {
    /// Returns when the dead letter is durable. Appending the same position again changes nothing.
    ///
    /// # Errors
    /// [`LogError`]; the record must then not count as done.
    async fn append(&self, dead_letter: DeadLetter) -> Result<(), LogError>;

    /// Up to `limit` dead letters whose position comes after `after`, in the order of positions.
    ///
    /// # Errors
    /// [`LogError`].
    async fn list(&self, after: Option<Position>, limit: usize) -> Result<Vec<DeadLetter>, LogError>;

    /// The dead letter of the record at this position.
    ///
    /// # Errors
    /// [`LogError`].
    async fn find(&self, position: Position) -> Result<Option<DeadLetter>, LogError>;
}

/// A record that could not be applied, with its full provenance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    pub position: Position,
    pub appended_at: Timestamp,
    pub dead_lettered_at: Timestamp,
    /// Why the record cannot be applied.
    pub reason: String,
    /// The record's original bytes.
    pub payload: Bytes,
    /// The original key, the headers and, for a replayed record, its origin with the number of attempts.
    pub provenance: Provenance,
}
