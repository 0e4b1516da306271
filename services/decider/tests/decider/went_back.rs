//! A store that acknowledged what it had not synced, and starts again without it while the decider lives: what it lost
//! is decided again, before anything is decided upon the rest.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tidegate_decider::DecidingPorts;
use tidegate_kernel::command::{Envelope, IdempotencyKey, ViewKey};
use tidegate_kernel::{LogKey, SmolStr};
use tidegate_ports::{
    BookWrite, Books, Deliveries, DeliveryWrite, Due, DueOwner, DueWrite, FactName, Facts, Scan, SendProgress,
    StoreError, StoredBook, StoredFact, ViewRow, ViewWrite, Views, WaitingDelivery,
};
use tokio::sync::watch;

use crate::rig::{GROUP, Rig, Running, Stores, answered, eventually, key};
use crate::till::{Command, Till};

const A: Till = Till(1);
const B: Till = Till(2);

/// One store, of which a test takes away what was not synced.
#[derive(Clone)]
struct Unsynced(Arc<Server>);

struct Server {
    stores: Mutex<Stores>,
    starts: AtomicU64,
    /// How often they were asked for.
    asked: AtomicU64,
    /// Writes of view rows and look-ups of facts hang while it does.
    hangs: watch::Sender<bool>,
}

impl Unsynced {
    fn of(rig: &Rig) -> Self {
        let stores = Mutex::new(rig.stores.clone());
        let (starts, asked, hangs) = (AtomicU64::new(1), AtomicU64::new(0), watch::Sender::new(false));
        Unsynced(Arc::new(Server { stores, starts, asked, hangs }))
    }

    fn ports(&self, rig: &Rig) -> DecidingPorts {
        let store = Arc::new(self.clone());
        DecidingPorts {
            books: store.clone(),
            facts: store.clone(),
            views: store.clone(),
            due: store.clone(),
            deliveries: store,
            ..rig.ports(&rig.stores)
        }
    }

    fn stores(&self) -> Stores {
        self.0.stores.lock().expect("the stores").clone()
    }

    /// Kills the server and starts it again on what it had synced.
    fn goes_back_to(&self, synced: &Stores) {
        *self.0.stores.lock().expect("the stores") = synced.clone();
        self.0.starts.fetch_add(1, Ordering::SeqCst);
    }

    fn set_hanging(&self, hangs: bool) {
        self.0.hangs.send_replace(hangs);
    }

    async fn answers(&self) {
        // The sender is as old as this.
        let _ = self.0.hangs.subscribe().wait_for(|hangs| !hangs).await;
    }

    /// How often a decider has asked for the starts.
    fn asked(&self) -> u64 {
        self.0.asked.load(Ordering::SeqCst)
    }

    /// Whether a write or a look-up waits for the server.
    fn is_waited_for(&self) -> bool {
        self.0.hangs.receiver_count() > 0
    }
}

#[async_trait]
impl Books for Unsynced {
    async fn load(&self, owners: &[LogKey]) -> Result<Vec<Option<StoredBook>>, StoreError> {
        self.stores().books.load(owners).await
    }

    async fn save(&self, writes: Arc<Vec<BookWrite>>) -> Result<(), StoreError> {
        self.stores().books.save(writes).await
    }

    async fn starts(&self) -> Result<u64, StoreError> {
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        Ok(self.0.starts.load(Ordering::SeqCst))
    }
}

#[async_trait]
impl Facts for Unsynced {
    async fn add(&self, facts: Arc<Vec<StoredFact>>) -> Result<(), StoreError> {
        self.stores().facts.add(facts).await
    }

    async fn find(&self, wanted: &[FactName]) -> Result<Vec<Vec<StoredFact>>, StoreError> {
        self.answers().await;
        self.stores().facts.find(wanted).await
    }
}

#[async_trait]
impl Views for Unsynced {
    async fn put(&self, rows: Arc<Vec<ViewWrite>>) -> Result<(), StoreError> {
        self.answers().await;
        self.stores().views.put(rows).await
    }

    async fn get(&self, keys: &[ViewKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.stores().views.get(keys).await
    }

    async fn scan(&self, scan: &Scan) -> Result<Vec<ViewRow>, StoreError> {
        self.stores().views.scan(scan).await
    }
}

#[async_trait]
impl Due for Unsynced {
    async fn put(&self, writes: Arc<Vec<DueWrite>>) -> Result<(), StoreError> {
        self.stores().due.put(writes).await
    }

    async fn read(&self, shard: u16) -> Result<Vec<DueOwner>, StoreError> {
        self.stores().due.read(shard).await
    }
}

#[async_trait]
impl Deliveries for Unsynced {
    async fn put(&self, writes: Arc<Vec<DeliveryWrite>>) -> Result<(), StoreError> {
        self.stores().deliveries.put(writes).await
    }

    async fn waiting(
        &self,
        shard: u16,
        after: Option<SmolStr>,
        limit: usize,
    ) -> Result<Vec<WaitingDelivery>, StoreError> {
        self.stores().deliveries.waiting(shard, after, limit).await
    }

    async fn named(&self, shard: u16, ids: &[SmolStr]) -> Result<Vec<WaitingDelivery>, StoreError> {
        self.stores().deliveries.named(shard, ids).await
    }

    async fn kept(&self, shard: u16, after: Option<SmolStr>, limit: usize) -> Result<Vec<WaitingDelivery>, StoreError> {
        self.stores().deliveries.kept(shard, after, limit).await
    }

    async fn note(&self, owner: LogKey, id: &str, progress: SendProgress) -> Result<(), StoreError> {
        self.stores().deliveries.note(owner, id, progress).await
    }
}

/// Two decisions that the store has synced, and some that it has not.
async fn unsynced() -> (Rig, Unsynced, Running, Stores) {
    let rig = Rig::new(1);
    let store = Unsynced::of(&rig);
    let running = rig.start_reading_again(store.ports(&rig));
    rig.append(A, Command::Fund { amount: 100 }).await;
    rig.append(A, Command::Buy { price: 3 }).await;
    rig.caught_up(GROUP).await;
    let synced = rig.rebuilt("synced").await;
    rig.append_with_key(A, Command::Buy { price: 5 }, 7, 1).await;
    rig.append(B, Command::Fund { amount: 10 }).await;
    rig.caught_up(GROUP).await;
    (rig, store, running, synced)
}

/// Everything that the log makes is stored.
async fn is_whole(rig: &Rig, store: &Unsynced) {
    let whole = rig.snapshot(&rig.rebuilt("whole").await).await;
    eventually("what was lost is back", async || rig.snapshot(&store.stores()).await == whole).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_decided_upon_a_book_in_memory_whose_store_has_lost_it() {
    let (rig, store, running, synced) = unsynced().await;
    store.goes_back_to(&synced);
    rig.append_with_key(A, Command::Buy { price: 5 }, 7, 1).await;
    rig.append(A, Command::Buy { price: 2 }).await;
    rig.caught_up(GROUP).await;
    is_whole(&rig, &store).await;
    let account = rig.account(&rig.stores).await;
    assert_eq!((account.stored, account.duplicate, account.conflict), (5, 1, 0), "the key's fact is back, too");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_decider_that_has_nothing_to_do_notices_too() {
    let (rig, store, running, synced) = unsynced().await;
    store.goes_back_to(&synced);
    is_whole(&rig, &store).await;
    running.stop().await;
}

/// The store hangs when it is asked about a command's key, or else when its rows are saved, goes back, and answers so much
/// later. The command is decided upon all that came before it.
async fn goes_back_while_it_hangs(key: Option<IdempotencyKey>, answers_after: Duration) {
    let (mut rig, store, running, synced) = unsynced().await;
    store.set_hanging(true);
    let bought = Envelope { key, ..rig.envelope(A, Command::Buy { price: 7 }) };
    rig.append_envelope(&bought).await;
    eventually("the store hangs", async || store.is_waited_for()).await;
    store.goes_back_to(&synced);
    tokio::time::advance(answers_after).await;
    store.set_hanging(false);
    rig.caught_up(GROUP).await;
    is_whole(&rig, &store).await;
    rig.stores = store.stores();
    assert_eq!(rig.outcome(&bought).await, answered(85));
    running.stop().await;
}

/// A save that hangs until the store is back would hide, by its book, what the store has lost below it.
#[tokio::test(start_paused = true)]
async fn no_book_is_stored_over_what_the_store_lost_during_the_save() {
    // As long as a server takes at least.
    goes_back_while_it_hangs(None, Duration::from_secs(2)).await;
}

#[tokio::test(start_paused = true)]
async fn the_store_is_asked_once_with_each_batch_whether_it_went_back() {
    let (rig, store, running, _) = unsynced().await;
    for price in 1..=5 {
        let before = store.asked();
        rig.append_with_key(A, Command::Buy { price }, 100 + u128::from(price.unsigned_abs()), 1).await;
        rig.caught_up(GROUP).await;
        assert_eq!(store.asked() - before, 1, "{price}");
    }
    running.stop().await;
}

/// The book is in memory, and the facts are looked up where they are lost.
#[tokio::test(start_paused = true)]
async fn nothing_is_decided_upon_what_was_loaded_while_the_store_started_again() {
    goes_back_while_it_hangs(Some(key(8, 1)), Duration::ZERO).await;
}

/// It went back before, and what it lost was read again: it is as whole as one that never did.
#[tokio::test(start_paused = true)]
async fn a_save_that_hangs_in_a_store_that_stayed_up_stores_its_books() {
    let (rig, store, running, synced) = unsynced().await;
    store.goes_back_to(&synced);
    rig.append(B, Command::Fund { amount: 1 }).await;
    rig.caught_up(GROUP).await;
    store.set_hanging(true);
    rig.append(A, Command::Buy { price: 7 }).await;
    eventually("the save hangs", async || store.is_waited_for()).await;
    tokio::time::advance(Duration::from_secs(2)).await;
    store.set_hanging(false);
    rig.caught_up(GROUP).await;
    is_whole(&rig, &store).await;
    running.stop().await;
}
