//! Deliveries of a store that is rebuilt: those that have expired in the live store are left out. The others are stored
//! without their progress, so that a decider on the new store sends them once more.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use tidegate_kernel::{LogKey, Partition, SmolStr, Timestamp};
use tidegate_ports::{Deliveries, DeliveryWrite, LogError, ReadLog, SendProgress, StoreError, WaitingDelivery};

/// How long a delivery is kept, in milliseconds: three days, longer than it is tried.
const KEPT_MS: i64 = 3 * 24 * 3_600_000;

/// Stores deliveries of the last three days only.
pub struct YoungDeliveries {
    inner: Arc<dyn Deliveries>,
    /// The first offset that was appended since then.
    from: HashMap<Partition, i64>,
}

impl YoungDeliveries {
    /// # Errors
    /// The log cannot be read.
    pub async fn before(inner: Arc<dyn Deliveries>, log: &dyn ReadLog, now: Timestamp) -> Result<Self, LogError> {
        let mut from = HashMap::new();
        for span in log.spans().await? {
            from.insert(span.partition, log.offset_at(span.partition, now.plus_millis(-KEPT_MS)).await?);
        }
        Ok(YoungDeliveries { inner, from })
    }

    fn is_young(&self, write: &DeliveryWrite) -> bool {
        self.from.get(&write.position.partition).is_none_or(|from| write.position.offset >= *from)
    }
}

#[async_trait]
impl Deliveries for YoungDeliveries {
    async fn put(&self, writes: Arc<Vec<DeliveryWrite>>) -> Result<(), StoreError> {
        let young: Vec<DeliveryWrite> = writes.iter().filter(|write| self.is_young(write)).cloned().collect();
        if young.is_empty() { Ok(()) } else { self.inner.put(Arc::new(young)).await }
    }

    async fn waiting(
        &self,
        shard: u16,
        after: Option<SmolStr>,
        limit: usize,
    ) -> Result<Vec<WaitingDelivery>, StoreError> {
        self.inner.waiting(shard, after, limit).await
    }

    async fn named(&self, shard: u16, ids: &[SmolStr]) -> Result<Vec<WaitingDelivery>, StoreError> {
        self.inner.named(shard, ids).await
    }

    async fn kept(&self, shard: u16, after: Option<SmolStr>, limit: usize) -> Result<Vec<WaitingDelivery>, StoreError> {
        self.inner.kept(shard, after, limit).await
    }

    async fn note(&self, owner: LogKey, id: &str, progress: SendProgress) -> Result<(), StoreError> {
        self.inner.note(owner, id, progress).await
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tidegate_inproc::clock::TestClock;
    use tidegate_inproc::deliveries::MemoryDeliveries;
    use tidegate_inproc::log::{MemoryLog, MemoryLogOptions};
    use tidegate_kernel::Position;
    use tidegate_kernel::command::Delivery;
    use tidegate_ports::Append;

    use super::*;

    #[tokio::test]
    async fn only_deliveries_of_the_last_three_days_are_stored() {
        let began = Timestamp::from_millis(1_778_855_521_123);
        let clock = Arc::new(TestClock::at(began));
        let log = MemoryLog::new(MemoryLogOptions { partitions: 1, ..MemoryLogOptions::default() }, clock.clone());
        let owner = LogKey::new(b"an owner", &["owner_1"]);
        log.append(owner, Bytes::from_static(b"old")).await.unwrap();
        clock.advance_ms(KEPT_MS);
        log.append(owner, Bytes::from_static(b"young")).await.unwrap();
        let stored = Arc::new(MemoryDeliveries::default());
        let now = began.plus_millis(KEPT_MS + 1);
        let young = YoungDeliveries::before(stored.clone(), &log, now).await.unwrap();
        let write = |offset: i64| DeliveryWrite {
            owner,
            delivery: Delivery { id: format!("evt_{offset}").into(), body: b"{}".to_vec() },
            position: Position { generation: 1, partition: 0, offset },
        };
        young.put(Arc::new(vec![write(0)])).await.unwrap();
        young.put(Arc::new(vec![write(0), write(1)])).await.unwrap();
        let waiting = stored.waiting(owner.shard(), None, 9).await.unwrap();
        let ids: Vec<&str> = waiting.iter().map(|one| one.delivery.id.as_str()).collect();
        assert_eq!(ids, ["evt_1"]);
    }
}
