//! Due times in memory.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tidegate_kernel::SmolStr;
use tidegate_ports::{Due, DueOwner, DueWrite, StoreError};

/// Due times in memory. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryDue(Arc<Mutex<BTreeMap<(u16, SmolStr), DueWrite>>>);

#[async_trait]
impl Due for MemoryDue {
    async fn put(&self, writes: Arc<Vec<DueWrite>>) -> Result<(), StoreError> {
        // A map insert cannot leave the map half changed.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for write in writes.iter() {
            match kept.entry((write.owner.shard(), write.owner.text().into())) {
                Entry::Vacant(free) => {
                    free.insert(*write);
                }
                Entry::Occupied(mut known)
                    if known.get().position.write_timestamp() < write.position.write_timestamp() =>
                {
                    known.insert(*write);
                }
                Entry::Occupied(_) => {}
            }
        }
        Ok(())
    }

    async fn read(&self, shard: u16) -> Result<Vec<DueOwner>, StoreError> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_shard = kept.range((shard, SmolStr::default())..).take_while(|((of, _), _)| *of == shard);
        Ok(of_shard.filter_map(|((_, owner), due)| Some(DueOwner { owner: owner.clone(), at: due.at? })).collect())
    }
}
