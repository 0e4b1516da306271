//! Voids in memory.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tidegate_kernel::Position;
use tidegate_kernel::command::VoidState;
use tidegate_ports::{StoreError, Void, VoidRequest, Voids};

/// Voids in memory, and the round of each. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryVoids(Arc<Mutex<BTreeMap<Position, (Void, u32)>>>);

#[async_trait]
impl Voids for MemoryVoids {
    async fn ask(&self, request: VoidRequest) -> Result<u32, StoreError> {
        // Each change is one assignment, so that a panic leaves none half done.
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(request.position) {
            Entry::Vacant(entry) => Ok(entry.insert((Void { request, state: VoidState::Asked }, 1)).1),
            Entry::Occupied(mut entry) => {
                let (Void { request, state }, round) = entry.get();
                if *state == VoidState::Withdrawn {
                    let again = (Void { request: request.clone(), state: VoidState::Asked }, round + 1);
                    entry.insert(again);
                }
                Ok(entry.get().1)
            }
        }
    }

    async fn settle(&self, position: Position, round: u32, state: VoidState) -> Result<(), StoreError> {
        let mut voids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = voids.get_mut(&position).filter(|(void, of)| void.state == VoidState::Asked && *of == round);
        if let Some((void, _)) = asked {
            void.state = state;
        }
        Ok(())
    }

    async fn all(&self) -> Result<Vec<Void>, StoreError> {
        let voids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(voids.values().map(|(void, _)| void.clone()).collect())
    }
}
