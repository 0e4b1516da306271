//! Stores of a process that is killed at its n-th write: the write is done, or half of it, and nothing ever returns after it.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tidegate_decider::DecidingPorts;
use tidegate_kernel::command::ViewKey;
use tidegate_kernel::{LogKey, Partition, Position, SmolStr};
use tidegate_ports::{
    Append, AppendError, BookWrite, Books, Deliveries, DeliveryWrite, Due, DueOwner, DueWrite, FactName, Facts, Scan,
    SendProgress, StoreError, StoredBook, StoredFact, ViewRow, ViewWrite, Views, WaitingDelivery,
};
use tokio::sync::watch;

/// Writes that are still let through. At 0 the process is dead, until it is revived.
#[derive(Clone)]
pub struct Fuse {
    left: watch::Sender<usize>,
    /// Of the last write only half is done.
    halves: bool,
}

impl Fuse {
    pub fn after(writes: usize, halves: bool) -> Self {
        Fuse { left: watch::Sender::new(writes), halves }
    }

    pub fn is_burnt(&self) -> bool {
        *self.left.borrow() == 0
    }

    /// What hung continues, as a process does that was only suspended.
    pub fn revive(&self) {
        self.left.send_replace(usize::MAX);
    }

    async fn alive(&self) {
        // The sender is as old as this.
        let _ = self.left.subscribe().wait_for(|left| *left > 0).await;
    }

    /// How much of a write of so many items is done.
    async fn begin(&self, items: usize) -> usize {
        self.alive().await;
        let mut is_last = false;
        self.left.send_modify(|left| {
            *left -= 1;
            is_last = *left == 0;
        });
        if is_last && self.halves { items / 2 } else { items }
    }
}

#[derive(Clone)]
struct Dying {
    ports: DecidingPorts,
    log: Arc<dyn Append>,
    fuse: Fuse,
}

/// These ports, until the fuse is burnt.
pub fn dying(ports: DecidingPorts, fuse: &Fuse) -> DecidingPorts {
    let log = ports.append.clone().expect("a log");
    let dying = Arc::new(Dying { ports: ports.clone(), log, fuse: fuse.clone() });
    DecidingPorts {
        books: dying.clone(),
        facts: dying.clone(),
        views: dying.clone(),
        due: dying.clone(),
        deliveries: dying.clone(),
        append: Some(dying),
        sending: ports.sending,
        clock: ports.clock,
    }
}

#[async_trait]
impl Books for Dying {
    async fn load(&self, owners: &[LogKey]) -> Result<Vec<Option<StoredBook>>, StoreError> {
        self.fuse.alive().await;
        self.ports.books.load(owners).await
    }

    async fn save(&self, writes: Arc<Vec<BookWrite>>) -> Result<(), StoreError> {
        let done = self.fuse.begin(writes.len()).await;
        let saved = self.ports.books.save(Arc::new(writes[..done].to_vec())).await;
        self.fuse.alive().await;
        saved
    }
}

#[async_trait]
impl Facts for Dying {
    async fn add(&self, facts: Arc<Vec<StoredFact>>) -> Result<(), StoreError> {
        let done = self.fuse.begin(facts.len()).await;
        let added = self.ports.facts.add(Arc::new(facts[..done].to_vec())).await;
        self.fuse.alive().await;
        added
    }

    async fn find(&self, wanted: &[FactName]) -> Result<Vec<Vec<StoredFact>>, StoreError> {
        self.fuse.alive().await;
        self.ports.facts.find(wanted).await
    }
}

#[async_trait]
impl Views for Dying {
    async fn put(&self, rows: Arc<Vec<ViewWrite>>) -> Result<(), StoreError> {
        let done = self.fuse.begin(rows.len()).await;
        let put = self.ports.views.put(Arc::new(rows[..done].to_vec())).await;
        self.fuse.alive().await;
        put
    }

    async fn get(&self, keys: &[ViewKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.ports.views.get(keys).await
    }

    async fn scan(&self, scan: &Scan) -> Result<Vec<ViewRow>, StoreError> {
        self.ports.views.scan(scan).await
    }
}

#[async_trait]
impl Due for Dying {
    async fn put(&self, writes: Arc<Vec<DueWrite>>) -> Result<(), StoreError> {
        let done = self.fuse.begin(writes.len()).await;
        let put = self.ports.due.put(Arc::new(writes[..done].to_vec())).await;
        self.fuse.alive().await;
        put
    }

    async fn read(&self, shard: u16) -> Result<Vec<DueOwner>, StoreError> {
        self.ports.due.read(shard).await
    }
}

#[async_trait]
impl Deliveries for Dying {
    async fn put(&self, writes: Arc<Vec<DeliveryWrite>>) -> Result<(), StoreError> {
        let done = self.fuse.begin(writes.len()).await;
        let put = self.ports.deliveries.put(Arc::new(writes[..done].to_vec())).await;
        self.fuse.alive().await;
        put
    }

    async fn waiting(
        &self,
        shard: u16,
        after: Option<SmolStr>,
        limit: usize,
    ) -> Result<Vec<WaitingDelivery>, StoreError> {
        self.ports.deliveries.waiting(shard, after, limit).await
    }

    async fn named(&self, shard: u16, ids: &[SmolStr]) -> Result<Vec<WaitingDelivery>, StoreError> {
        self.ports.deliveries.named(shard, ids).await
    }

    async fn kept(&self, shard: u16, after: Option<SmolStr>, limit: usize) -> Result<Vec<WaitingDelivery>, StoreError> {
        self.ports.deliveries.kept(shard, after, limit).await
    }

    async fn note(&self, owner: LogKey, id: &str, progress: SendProgress) -> Result<(), StoreError> {
        self.ports.deliveries.note(owner, id, progress).await
    }
}

#[async_trait]
impl Append for Dying {
    async fn append(&self, key: LogKey, record: Bytes) -> Result<Position, AppendError> {
        self.fuse.begin(1).await;
        let appended = self.log.append(key, record).await;
        self.fuse.alive().await;
        appended
    }

    fn partition_of(&self, key: LogKey) -> Partition {
        self.log.partition_of(key)
    }
}
