//! Owner keys in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tidegate_kernel::LogKey;
use tidegate_ports::{OwnerKeys, StoreError};

/// Owner keys in memory. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryOwnerKeys(Arc<Mutex<HashMap<LogKey, Option<Vec<u8>>>>>);

impl MemoryOwnerKeys {
    fn kept(&self) -> MutexGuard<'_, HashMap<LogKey, Option<Vec<u8>>>> {
        // A map insert cannot leave the map half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl OwnerKeys for MemoryOwnerKeys {
    async fn create(&self, owner: LogKey, wrapped: Vec<u8>) -> Result<(), StoreError> {
        self.kept().entry(owner).or_insert(Some(wrapped));
        Ok(())
    }

    async fn find(&self, owner: LogKey) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.kept().get(&owner).cloned().flatten())
    }

    async fn erase(&self, owner: LogKey) -> Result<(), StoreError> {
        self.kept().insert(owner, None);
        Ok(())
    }
}
