//! Voids in memory.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tidegate_kernel::Position;
use tidegate_kernel::command::VoidState;
use tidegate_ports::{StoreError, Void, VoidRequest, Voids};

/// Voids in memory. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryVoids(Arc<Mutex<BTreeMap<Position, Void>>>);

#[async_trait]
impl Voids for MemoryVoids {
    async fn ask(&self, request: VoidRequest) -> Result<(), StoreError> {
        // Each change is one assignment, so that a panic leaves none half done.
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(request.position) {
            Entry::Vacant(entry) => _ = entry.insert(Void { request, state: VoidState::Asked }),
            Entry::Occupied(mut entry) if entry.get().state == VoidState::Withdrawn => {
                entry.get_mut().state = VoidState::Asked;
            }
            Entry::Occupied(_) => {}
        }
        Ok(())
    }

    async fn settle(&self, position: Position, state: VoidState) -> Result<(), StoreError> {
        let mut voids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(void) = voids.get_mut(&position).filter(|void| void.state == VoidState::Asked) {
            void.state = state;
        }
        Ok(())
    }

    async fn all(&self) -> Result<Vec<Void>, StoreError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect())
    }
}
