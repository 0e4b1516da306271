//! The releases port: which releases decide commands, or have decided some, and what they cannot decide.

use async_trait::async_trait;
use tidegate_kernel::Position;
use tidegate_kernel::command::{Registration, Release};

use crate::StoreError;

/// Stores which releases have decided commands of a log. Nothing is ever deleted: a decider that has stopped may have left
/// a part of a decision.
#[async_trait]
pub trait Releases: Send + Sync + 'static {
    /// Registers a release; the last instant stays. Returns once every later [`registered`](Self::registered) has it.
    ///
    /// # Errors
    /// [`StoreError`]; register again.
    async fn register(&self, registration: Registration) -> Result<(), StoreError>;

    /// Every registration, by release.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn registered(&self) -> Result<Vec<Registration>, StoreError>;

    /// States that no decider of a release ever decides the record at this position. The same again changes nothing.
    ///
    /// # Errors
    /// [`StoreError`]; state it again.
    async fn cannot_decide(&self, release: Release, position: Position) -> Result<(), StoreError>;

    /// All such statements, by position and release.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn inabilities(&self) -> Result<Vec<(Position, Release)>, StoreError>;
}
