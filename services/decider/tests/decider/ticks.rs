//! What is due happens though no command comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use async_trait::async_trait;
use tidegate_decider::DecidingPorts;
use tidegate_inproc::due::MemoryDue;
use tidegate_kernel::LogKey;
use tidegate_kernel::command::Envelope;
use tidegate_ports::{Due, DueOwner, DueWrite, StoreError};

use crate::dying::{Fuse, dying};
use crate::rig::{GROUP, Rig, Stores, eventually};
use crate::till::{Command, Till, Tills};

const TILL: Till = Till(5);

fn ticks(rig: &Rig) -> usize {
    let is_tick =
        |payload: &[u8]| Envelope::<Tills>::decode(payload).is_ok_and(|one| matches!(one.command, Command::Tick));
    rig.records().iter().filter(|record| is_tick(&record.payload)).count()
}

#[tokio::test(start_paused = true)]
async fn a_hold_is_released_by_a_tick() {
    let rig = Rig::new(2);
    rig.append(TILL, Command::Fund { amount: 10 }).await;
    rig.append(TILL, Command::Hold { amount: 4, for_ms: 60_000 }).await;
    let running = rig.start();
    rig.caught_up(GROUP).await;
    assert_eq!((rig.balance(TILL).await, ticks(&rig)), (Some(6), 0));
    rig.clock.advance_ms(60_000);
    eventually("it is released", async || rig.balance(TILL).await == Some(10)).await;
    rig.caught_up(GROUP).await;
    assert_eq!(ticks(&rig), 1);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_next_owner_of_the_partition_appends_it() {
    let rig = Rig::new(2);
    rig.append(TILL, Command::Fund { amount: 10 }).await;
    rig.append(TILL, Command::Hold { amount: 4, for_ms: 60_000 }).await;
    let running = rig.start();
    rig.caught_up(GROUP).await;
    running.stop().await;
    rig.clock.advance_ms(60_000);
    let running = rig.start();
    eventually("it is released", async || rig.balance(TILL).await == Some(10)).await;
    running.stop().await;
}

/// While no decider runs, at most one tick is in flight, and further ones are appended with growing pauses.
#[tokio::test(start_paused = true)]
async fn a_partition_that_stands_still_gets_few_ticks() {
    let rig = Rig::new(1);
    rig.append(TILL, Command::Fund { amount: 10 }).await;
    rig.append(TILL, Command::Hold { amount: 4, for_ms: 60_000 }).await;
    let running = rig.start();
    rig.caught_up(GROUP).await;
    let panics = rig.append(Till(6), Command::Panic).await;
    rig.is_halted_at(panics).await;
    rig.clock.advance_ms(60_000);
    eventually("a tick", async || ticks(&rig) == 1).await;
    for expected in [2, 3, 4] {
        rig.clock.advance_ms(4_000);
        eventually("another tick", async || ticks(&rig) == expected).await;
    }
    rig.void(panics).await;
    rig.caught_up(GROUP).await;
    assert_eq!((rig.balance(TILL).await, ticks(&rig)), (Some(10), 4));
    running.stop().await;
}

/// Due times that count the shards read.
struct CountedReads {
    stored: MemoryDue,
    read: AtomicU16,
}

#[async_trait]
impl Due for CountedReads {
    async fn put(&self, writes: Arc<Vec<DueWrite>>) -> Result<(), StoreError> {
        self.stored.put(writes).await
    }

    async fn read(&self, shard: u16) -> Result<Vec<DueOwner>, StoreError> {
        let read = self.stored.read(shard).await;
        self.read.fetch_add(1, Ordering::SeqCst);
        read
    }
}

/// The former owner is suspended before it stores a due time, and goes on once its successor has read them all. It
/// appends no ticks, as one that has ended.
#[tokio::test(start_paused = true)]
async fn a_due_time_that_a_former_owner_stores_late_is_not_missed() {
    let rig = Rig::new(1);
    rig.append(TILL, Command::Fund { amount: 10 }).await;
    rig.append(TILL, Command::Hold { amount: 4, for_ms: 60_000 }).await;
    let suspended = Fuse::after(1, false);
    let former_stores = Stores { accounts: Default::default(), ..rig.stores.clone() };
    let former_ports = DecidingPorts { append: None, ..dying(rig.ports(&rig.stores), &suspended) };
    let former = rig.start_with("former", former_ports, &former_stores);
    eventually("it is suspended", async || suspended.is_burnt()).await;
    // The successor reads due times, and waits before it loads a book.
    let waits = Fuse::after(0, false);
    let due = Arc::new(CountedReads { stored: rig.stores.due.clone(), read: AtomicU16::new(0) });
    let ports = rig.ports(&rig.stores);
    let append = ports.append.clone();
    let successor_ports = DecidingPorts { due: due.clone(), append, ..dying(ports, &waits) };
    let successor = rig.start_with(GROUP, successor_ports, &rig.stores);
    eventually("all due times are read", async || due.read.load(Ordering::SeqCst) == LogKey::SHARDS).await;
    suspended.revive();
    rig.caught_up("former").await;
    former.stop().await;
    waits.revive();
    rig.caught_up(GROUP).await;
    assert_eq!((rig.balance(TILL).await, ticks(&rig)), (Some(6), 0));
    rig.clock.advance_ms(60_000);
    eventually("it is released", async || rig.balance(TILL).await == Some(10)).await;
    successor.stop().await;
}
