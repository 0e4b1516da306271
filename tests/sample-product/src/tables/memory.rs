//! Totals in memory.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use tidegate_ports::StoreError;

use crate::counting::{Counters, Total};
use crate::mark::CounterId;

/// Gone with the process.
#[derive(Default)]
pub struct MemoryCounters(Mutex<HashMap<CounterId, Total>>);

#[async_trait]
impl Counters for MemoryCounters {
    async fn read(&self, counter: CounterId) -> Result<Option<Total>, StoreError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&counter).copied())
    }

    async fn save(&self, counter: CounterId, total: Total) -> Result<(), StoreError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept.entry(counter).or_default();
        if total.folded_to > known.folded_to {
            *known = total;
        }
        Ok(())
    }
}
