//! The owner keys port: the data key of each owner, outside the log.

use async_trait::async_trait;
use tidegate_kernel::LogKey;

use crate::StoreError;

/// Stores the keys under which the free content of owners is sealed, each wrapped by the deployment's key. Without its
/// key an owner's content can never be read again.
#[async_trait]
pub trait OwnerKeys: Send + Sync + 'static {
    /// Stores the key of an owner that is created now. The owner's id is new, so no other process creates its key.
    ///
    /// # Errors
    /// [`StoreError`]; create it again.
    async fn create(&self, owner: LogKey, wrapped: Vec<u8>) -> Result<(), StoreError>;

    /// The wrapped key; `None`: the owner never had one, or was erased.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn find(&self, owner: LogKey) -> Result<Option<Vec<u8>>, StoreError>;

    /// Destroys the key for good. No key can be created for this owner again.
    ///
    /// # Errors
    /// [`StoreError`]; erase it again.
    async fn erase(&self, owner: LogKey) -> Result<(), StoreError>;
}
