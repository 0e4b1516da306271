//! The facts port: what became of attempts and idempotency keys.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_kernel::command::FactId;
use tidegate_kernel::{LogKey, Position, Timestamp};

use crate::StoreError;

/// Stores facts. A fact is written once: several of one name differ in their positions, and all of them stay.
#[async_trait]
pub trait Facts: Send + Sync + 'static {
    /// Stores each fact. Adding the same again changes nothing.
    ///
    /// # Errors
    /// [`StoreError`]; some of the facts may be stored.
    async fn add(&self, facts: Arc<Vec<StoredFact>>) -> Result<(), StoreError>;

    /// The facts of each name, in the order asked, each name's by position. What expired may be among them.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn find(&self, wanted: &[FactName]) -> Result<Vec<Vec<StoredFact>>, StoreError>;

    /// Returns once a fact was added since the call (not only since the first poll), or after a while. A hint for whoever
    /// waits for a fact: it may come too early, and where the facts are added by another process it never comes.
    async fn changed(&self) {
        std::future::pending().await
    }
}

/// Whose fact, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FactName {
    pub owner: LogKey,
    pub id: FactId,
}

/// A fact as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFact {
    pub name: FactName,
    /// The command that it is about. Part of the fact's key.
    pub position: Position,
    pub doc: Vec<u8>,
    /// When the store may delete it; `None`: never.
    pub expires_at: Option<Timestamp>,
}
