//! The store fails, the process dies.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use tidegate_agentping_inproc::runs::MemoryRuns;
use tidegate_agentping_ports::{RunWanted, RunWrite, Runs, StoredRun};
use tidegate_kernel::Timestamp;
use tidegate_ports::{ReadLag, StoreError};

use crate::rig::{GROUP, Rig, eventually, key, records_of};

/// A store whose first calls fail: a load before it did anything, a save after it was done.
struct Failing {
    runs: MemoryRuns,
    failures_left: AtomicUsize,
}

impl Failing {
    fn fails(&self) -> Result<(), StoreError> {
        let take = |left: usize| left.checked_sub(1);
        match self.failures_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take) {
            Ok(_) => Err(StoreError::Unavailable("as the test wants".into())),
            Err(_) => Ok(()),
        }
    }
}

#[async_trait]
impl Runs for Failing {
    async fn load(&self, wanted: &[RunWanted]) -> Result<Vec<StoredRun>, StoreError> {
        self.fails()?;
        self.runs.load(wanted).await
    }

    async fn save(&self, writes: Arc<Vec<RunWrite>>) -> Result<(), StoreError> {
        self.runs.save(writes).await?;
        self.fails()
    }

    async fn purge_orphans(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.runs.purge_orphans(before, limit).await
    }
}

/// Records wait on the log while the store is down; none becomes a dead letter, none is lost or doubled.
#[tokio::test]
async fn a_store_outage_only_delays() {
    let rig = Rig::new();
    let store = Arc::new(Failing { runs: rig.runs.clone(), failures_left: AtomicUsize::new(7) });
    let running = rig.start_on(store.clone());
    for run in 1..=10 {
        for record in records_of(run, 2) {
            rig.append(&record).await;
        }
    }
    rig.caught_up().await;
    assert_eq!(store.failures_left.load(Ordering::SeqCst), 0);
    rig.assert_store_is_the_fold((1..=10).map(key)).await;
    assert_eq!(tidegate_ports::DeadLetters::list(&rig.dead_letters, None, 1).await, Ok(vec![]));
    running.stop().await;
}

/// While nothing can be saved, nothing is committed.
#[tokio::test]
async fn nothing_is_committed_before_it_is_stored() {
    let rig = Rig::new();
    let store = Arc::new(Failing { runs: rig.runs.clone(), failures_left: AtomicUsize::new(usize::MAX) });
    let running = rig.start_on(store.clone());
    let records = records_of(1, 2);
    for record in &records {
        rig.append(record).await;
    }
    let tried = || usize::MAX - store.failures_left.load(Ordering::SeqCst);
    eventually("the store was asked", async || tried() >= 2).await;
    assert_eq!(rig.log.lag(GROUP).read().await.expect("a reading").records, records.len() as u64);
    store.failures_left.store(0, Ordering::SeqCst);
    rig.caught_up().await;
    rig.assert_store_is_the_fold([key(1)]).await;
    running.stop().await;
}

/// Killed again and again in the middle: the store ends as the fold of the log.
#[tokio::test]
async fn kills_neither_lose_nor_double() {
    let rig = Rig::new();
    for round in 0..15u128 {
        let running = rig.start();
        for run in 1..=8 {
            for record in records_of(round * 8 + run, 3) {
                rig.append(&record).await;
            }
        }
        let last = key(round * 8 + 1 + round % 8);
        eventually("the round has begun to be stored", async || rig.stored(last).await.is_some()).await;
        running.kill().await;
    }
    let running = rig.start();
    rig.caught_up().await;
    rig.assert_store_is_the_fold((1..=120).map(key)).await;
    running.stop().await;
}

/// A partition that cannot be saved says so, until it can.
#[tokio::test]
async fn a_partition_that_commits_nothing_is_reported() {
    let rig = Rig::new();
    let store = Arc::new(Failing { runs: rig.runs.clone(), failures_left: AtomicUsize::new(usize::MAX) });
    let running = rig.start_on(store.clone());
    for record in records_of(1, 2) {
        rig.append(&record).await;
    }
    let waits = async |stalls: bool| {
        let what = if stalls { "one partition stalls" } else { "none does" };
        eventually(what, async || running.stalled.borrow().len() == usize::from(stalls)).await;
    };
    waits(true).await;
    let stalled = running.stalled.borrow()[0];
    let lags = rig.log.lag(GROUP).partitions(&[]).await.expect("a reading");
    assert!(lags[stalled.partition as usize].records() > 0, "{stalled:?}: {lags:?}");
    store.failures_left.store(0, Ordering::SeqCst);
    rig.caught_up().await;
    waits(false).await;
    running.stop().await;
}
