//! Deliveries in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tidegate_kernel::{LogKey, SmolStr};
use tidegate_ports::{Deliveries, DeliveryWrite, SendProgress, StoreError, WaitingDelivery};

/// Deliveries in memory. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryDeliveries(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    /// By shard and id, as the progress.
    to_send: BTreeMap<(u16, SmolStr), DeliveryWrite>,
    progress: BTreeMap<(u16, SmolStr), SendProgress>,
}

impl MemoryDeliveries {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        // A map insert cannot leave a map half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn page(&self, shard: u16, after: Option<SmolStr>, limit: usize, finished_too: bool) -> Vec<WaitingDelivery> {
        let kept = self.lock();
        let from = match after {
            Some(id) => Bound::Excluded((shard, id)),
            None => Bound::Included((shard, SmolStr::default())),
        };
        let of_shard = kept.to_send.range((from, Bound::Unbounded)).take_while(|((of, _), _)| *of == shard);
        let wanted = of_shard.filter_map(|(key, write)| kept.read(key, write, finished_too));
        wanted.take(limit).collect()
    }
}

impl Kept {
    fn read(&self, key: &(u16, SmolStr), write: &DeliveryWrite, finished_too: bool) -> Option<WaitingDelivery> {
        let progress = self.progress.get(key).cloned();
        let is_finished = progress.as_ref().is_some_and(|progress| progress.state.is_finished());
        let owner = write.owner.text().into();
        (finished_too || !is_finished).then(|| WaitingDelivery { owner, delivery: write.delivery.clone(), progress })
    }
}

#[async_trait]
impl Deliveries for MemoryDeliveries {
    async fn put(&self, writes: Arc<Vec<DeliveryWrite>>) -> Result<(), StoreError> {
        let mut kept = self.lock();
        for write in writes.iter() {
            let key = (write.owner.shard(), write.delivery.id.clone());
            kept.to_send.entry(key).or_insert_with(|| write.clone());
        }
        Ok(())
    }

    async fn waiting(
        &self,
        shard: u16,
        after: Option<SmolStr>,
        limit: usize,
    ) -> Result<Vec<WaitingDelivery>, StoreError> {
        Ok(self.page(shard, after, limit, false))
    }

    async fn named(&self, shard: u16, ids: &[SmolStr]) -> Result<Vec<WaitingDelivery>, StoreError> {
        let kept = self.lock();
        let keys: BTreeSet<(u16, SmolStr)> = ids.iter().map(|id| (shard, id.clone())).collect();
        Ok(keys.iter().filter_map(|key| kept.read(key, kept.to_send.get(key)?, false)).collect())
    }

    async fn kept(&self, shard: u16, after: Option<SmolStr>, limit: usize) -> Result<Vec<WaitingDelivery>, StoreError> {
        Ok(self.page(shard, after, limit, true))
    }

    async fn note(&self, owner: LogKey, id: &str, progress: SendProgress) -> Result<(), StoreError> {
        let mut kept = self.lock();
        let known = kept.progress.entry((owner.shard(), id.into())).or_insert_with(|| progress.clone());
        if progress.at > known.at {
            *known = progress;
        }
        Ok(())
    }
}
