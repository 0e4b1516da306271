//! Voids in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tidegate_kernel::Position;
use tidegate_ports::{StoreError, Void, Voids};

/// Voids in memory. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryVoids(Arc<Mutex<BTreeMap<Position, Void>>>);

#[async_trait]
impl Voids for MemoryVoids {
    async fn add(&self, void: Void) -> Result<(), StoreError> {
        // A map insert cannot leave the map half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(void.position).or_insert(void);
        Ok(())
    }

    async fn all(&self) -> Result<Vec<Void>, StoreError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect())
    }
}
