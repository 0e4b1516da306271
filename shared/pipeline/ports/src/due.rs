//! The due port: when the next change of each owner's book is due.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_kernel::SmolStr;
use tidegate_kernel::{LogKey, Position, Timestamp};

use crate::StoreError;

/// Stores one due time per owner. Of two writes the one at the higher position stays; that nothing is due is a write,
/// too.
#[async_trait]
pub trait Due: Send + Sync + 'static {
    /// # Errors
    /// [`StoreError`]; some may be stored.
    async fn put(&self, writes: Arc<Vec<DueWrite>>) -> Result<(), StoreError>;

    /// What is due of the owners of one shard ([`LogKey::shard`]), in any order.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn read(&self, shard: u16) -> Result<Vec<DueOwner>, StoreError>;
}

/// When something is due, as of the command at `position`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueWrite {
    pub owner: LogKey,
    /// `None`: nothing is due.
    pub at: Option<Timestamp>,
    pub position: Position,
}

/// An owner of whose book something is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueOwner {
    /// The text of the owner's log key.
    pub owner: SmolStr,
    pub at: Timestamp,
}
