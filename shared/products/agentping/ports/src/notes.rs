//! The notes port: a note for each record that was not simply stored, so that its receipt can be answered.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_agentping::RunKey;
use tidegate_kernel::{Position, Timestamp};
use tidegate_ports::{Accounts, Fate, StoreError};

/// How long a note is kept, in milliseconds, counted from when its record was appended: 30 days.
pub const NOTES_KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1_000;

/// Accounts of a store that keeps notes, too. The order of a batch is: note, save the runs, settle, commit. So a note is
/// there before its run says that the record was folded, and settling keeps what was noted before it.
#[async_trait]
pub trait NotedAccounts: Accounts {
    /// Keeps what became of these records. Noting the same again changes nothing.
    ///
    /// # Errors
    /// [`StoreError`]; some of the notes may be kept.
    async fn note(&self, notes: Arc<Vec<Note>>) -> Result<(), StoreError>;

    /// The note of each position, in the order asked; `None` where there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn notes(&self, positions: &[Position]) -> Result<Vec<Option<Note>>, StoreError>;

    /// Deletes up to `limit` notes of records that were appended before `before`; returns how many. A store whose rows
    /// end by themselves has nothing to do.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn forget_notes(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError>;
}

/// What became of a record that was not simply stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    pub position: Position,
    pub appended_at: Timestamp,
    /// Whose record it was; `None` where that could not be read.
    pub key: Option<RunKey>,
    /// Never [`Fate::Stored`].
    pub fate: Fate,
}
