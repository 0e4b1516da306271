//! A store that refuses some records for good: they become dead letters, and their partition continues.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use tidegate_agentping::{Body, RunKey};
use tidegate_agentping_inproc::runs::MemoryRuns;
use tidegate_agentping_ports::{RunWanted, RunWrite, Runs, StoredRun};
use tidegate_kernel::Timestamp;
use tidegate_ports::{DeadLetters, ReadLag, StoreError};

use crate::rig::{GROUP, Rig, eventually, key, records_of};

/// Refuses every write that closes this run.
struct Picky {
    runs: MemoryRuns,
    refuses: RunKey,
}

#[async_trait]
impl Runs for Picky {
    async fn load(&self, wanted: &[RunWanted]) -> Result<Vec<StoredRun>, StoreError> {
        self.runs.load(wanted).await
    }

    async fn save(&self, writes: Arc<Vec<RunWrite>>) -> Result<(), StoreError> {
        if writes.iter().any(|write| write.key == self.refuses && write.run.finish.is_some()) {
            return Err(StoreError::Refused("its finish is too large".into()));
        }
        self.runs.save(writes).await
    }

    async fn purge_orphans(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.runs.purge_orphans(before, limit).await
    }
}

#[tokio::test(start_paused = true)]
async fn the_record_that_is_refused_is_dead_and_no_other() {
    let rig = Rig::new();
    for run in 1..6 {
        for record in records_of(run, 3) {
            rig.append(&record).await;
        }
    }
    let running = rig.start_on(Arc::new(Picky { runs: rig.runs.clone(), refuses: key(3) }));
    rig.caught_up().await;
    running.stop().await;
    let letters = rig.dead_letters.list(None, 10).await.expect("in memory");
    assert_eq!(letters.len(), 1);
    let letter = &letters[0];
    assert!(letter.reason.contains("its finish is too large"), "{}", letter.reason);
    let dead = tidegate_agentping::Record::decode(&letter.payload).expect("a record");
    assert!(dead.key() == key(3) && matches!(dead.body, Body::Finish(_)), "{dead:?}");

    rig.assert_store_is_the_fold([1, 2, 4, 5].map(key)).await;
    let (run, events) = rig.stored(key(3)).await.expect("the rest of it is stored");
    assert!(run.finish.is_none() && events.len() == 9, "{run:?}");
    let accounts = tidegate_ports::Accounts::accounts(&rig.accounts).await.expect("in memory");
    let sums = accounts.iter().fold((0, 0), |(stored, dead), one| (stored + one.stored, dead + one.dead));
    assert_eq!(sums, (5 * 5 - 1, 1));
    assert!(accounts.iter().all(|account| account.missing() == 0), "{accounts:?}");
    let note =
        tidegate_agentping_ports::NotedAccounts::notes(&rig.accounts, &[letter.position]).await.expect("in memory");
    assert!(note[0].is_some_and(|note| note.fate == tidegate_ports::Fate::Dead));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_merely_away_makes_no_dead_letters() {
    let rig = Rig::new();
    let record = records_of(1, 1).remove(0);
    rig.append(&record).await;
    let away = Arc::new(Away::default());
    let running = rig.start_on(away.clone());
    eventually("it goes on trying", async || away.tries.load(Ordering::SeqCst) > 12).await;
    assert_eq!(rig.log.lag(GROUP).read().await.expect("a reading").records, 1, "nothing is committed");
    assert!(rig.dead_letters.list(None, 10).await.expect("in memory").is_empty());
    running.kill().await;
}

/// Takes nothing, for the time being.
#[derive(Default)]
struct Away {
    tries: AtomicUsize,
}

#[async_trait]
impl Runs for Away {
    async fn load(&self, wanted: &[RunWanted]) -> Result<Vec<StoredRun>, StoreError> {
        Ok(wanted.iter().map(|_| StoredRun::default()).collect())
    }

    async fn save(&self, _writes: Arc<Vec<RunWrite>>) -> Result<(), StoreError> {
        self.tries.fetch_add(1, Ordering::SeqCst);
        Err(StoreError::Broken("a table is not there".into()))
    }

    async fn purge_orphans(&self, _before: Timestamp, _limit: usize) -> Result<usize, StoreError> {
        Ok(0)
    }
}
