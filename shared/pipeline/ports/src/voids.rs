//! The voids port: records that an operator has set aside because they cannot be decided.

use async_trait::async_trait;
use tidegate_kernel::{Position, Timestamp};

use crate::StoreError;

/// Stores which records of the log are void. Whoever applies the log skips exactly these, on a replay and a rebuild, too.
#[async_trait]
pub trait Voids: Send + Sync + 'static {
    /// Sets a record aside. The same again changes nothing; the first reason stays. A record is never un-voided.
    ///
    /// # Errors
    /// [`StoreError`]; add it again.
    async fn add(&self, void: Void) -> Result<(), StoreError>;

    /// Every void record, by position.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn all(&self) -> Result<Vec<Void>, StoreError>;
}

/// A record that is not decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Void {
    pub position: Position,
    /// Why, in the operator's words.
    pub reason: String,
    pub voided_at: Timestamp,
}
