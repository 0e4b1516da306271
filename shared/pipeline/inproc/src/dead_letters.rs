//! Dead letters in memory.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tidegate_kernel::Position;
use tidegate_ports::{DeadLetter, DeadLetters, LogError};

/// Dead letters in memory. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryDeadLetters(Arc<Mutex<BTreeMap<Position, DeadLetter>>>);

#[async_trait]
impl DeadLetters for MemoryDeadLetters {
    async fn append(&self, dead_letter: DeadLetter) -> Result<(), LogError> {
        // A map insert cannot leave the map half changed.
        let mut dead_letters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        dead_letters.entry(dead_letter.position).or_insert(dead_letter);
        Ok(())
    }

    async fn list(&self, after: Option<Position>, limit: usize) -> Result<Vec<DeadLetter>, LogError> {
        let dead_letters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        Ok(dead_letters
            .range((after, Bound::Unbounded))
            .take(limit)
            .map(|(_, dead_letter)| dead_letter.clone())
            .collect())
    }

    async fn find(&self, position: Position) -> Result<Option<DeadLetter>, LogError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&position).cloned())
    }
}
