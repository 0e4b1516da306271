//! Facts in memory.

use std::collections::{BTreeMap, HashMap};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tidegate_kernel::Position;
use tidegate_ports::{FactName, Facts, StoreError, StoredFact};
use tokio::sync::Notify;

/// Facts in memory, which never expire. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryFacts(Arc<Kept>);

#[derive(Debug, Default)]
struct Kept {
    facts: Mutex<HashMap<FactName, BTreeMap<Position, StoredFact>>>,
    added: Notify,
}

#[async_trait]
impl Facts for MemoryFacts {
    async fn add(&self, facts: Arc<Vec<StoredFact>>) -> Result<(), StoreError> {
        {
            // A map insert cannot leave a map half changed.
            let mut kept = self.0.facts.lock().unwrap_or_else(PoisonError::into_inner);
            for fact in facts.iter() {
                kept.entry(fact.name).or_default().entry(fact.position).or_insert_with(|| fact.clone());
            }
        }
        self.0.added.notify_waiters();
        Ok(())
    }

    async fn find(&self, wanted: &[FactName]) -> Result<Vec<Vec<StoredFact>>, StoreError> {
        let kept = self.0.facts.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |name| kept.get(name).map_or_else(Vec::new, |facts| facts.values().cloned().collect());
        Ok(wanted.iter().map(of).collect())
    }

    // Not an async function: the wait has to begin with the call, not with the first poll.
    fn changed<'s, 'f>(&'s self) -> Pin<Box<dyn Future<Output = ()> + Send + 'f>>
    where
        's: 'f,
        Self: 'f,
    {
        Box::pin(self.0.added.notified())
    }
}
