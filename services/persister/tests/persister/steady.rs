//! Nothing goes wrong.

use std::time::Duration;

use tidegate_ports::{Accounts, ReadLag};

use crate::rig::{GROUP, Rig, eventually, key, records_of};

#[tokio::test]
async fn the_store_becomes_the_fold_of_the_log() {
    let rig = Rig::new();
    let running = rig.start();
    for run in 1..=50 {
        for record in records_of(run, 4) {
            rig.append(&record).await;
        }
    }
    rig.caught_up().await;
    rig.assert_store_is_the_fold((1..=50).map(key)).await;
    assert_eq!(running.stop().await.uncommitted, 0);
}

#[tokio::test]
async fn records_of_a_run_may_come_in_any_order_and_again() {
    let rig = Rig::new();
    let running = rig.start();
    let records = records_of(1, 5);
    for record in records.iter().rev().chain(&records) {
        rig.append(record).await;
    }
    rig.caught_up().await;
    let (run, events) = rig.stored(key(1)).await.expect("stored");
    assert_eq!((run.events, events.len()), (15, 15));
    assert!(run.finish.is_some() && run.start.is_some());
    running.stop().await;
}

/// Stopping applies and commits what was read: a second persister has nothing to do again.
#[tokio::test]
async fn stopping_drains() {
    let rig = Rig::new();
    for run in 1..=20 {
        for record in records_of(run, 2) {
            rig.append(&record).await;
        }
    }
    let running = rig.start();
    eventually("something is stored", async || rig.stored(key(1)).await.is_some()).await;
    assert_eq!(running.stop().await.uncommitted, 0);
    let rest = rig.start();
    rig.caught_up().await;
    rig.assert_store_is_the_fold((1..=20).map(key)).await;
    rest.stop().await;
}

/// A rig whose accounts wait for an hour, and all of what was sent stored.
async fn stored_and_not_settled(runs: u128) -> (Rig, crate::rig::Running) {
    let mut rig = Rig::new();
    rig.config.settle_every = Duration::from_secs(3_600);
    let running = rig.start();
    for run in 1..=runs {
        for record in records_of(run, 2) {
            rig.append(&record).await;
        }
    }
    for run in 1..=runs {
        let finished = async || rig.stored(key(run)).await.is_some_and(|(run, _)| run.finish.is_some());
        eventually("it is stored to its end", finished).await;
    }
    assert_eq!(rig.accounts.accounts().await, Ok(vec![]), "nothing is settled");
    assert_eq!(rig.log.lag(GROUP).read().await.expect("a reading").records, 4 * runs as u64, "nor committed");
    (rig, running)
}

async fn assert_all_settled(rig: &Rig, records: u64) {
    let accounts = rig.accounts.accounts().await.expect("read");
    assert_eq!(accounts.iter().map(|account| account.stored).sum::<u64>(), records);
    assert!(accounts.iter().all(|account| account.missing() == 0), "{accounts:?}");
}

/// Settling and committing wait, so that batches share them. A stop does not wait.
#[tokio::test]
async fn stopping_settles_and_commits_what_waits() {
    let (rig, running) = stored_and_not_settled(20).await;
    assert_eq!(running.stop().await.uncommitted, 0);
    assert_eq!(rig.log.lag(GROUP).read().await.expect("a reading").records, 0);
    assert_all_settled(&rig, 80).await;
}

/// Nor does handing a partition over: its next owner begins where this one stood.
#[tokio::test]
async fn handing_over_settles_and_commits_what_waits() {
    let (rig, running) = stored_and_not_settled(20).await;
    let other = rig.start();
    rig.caught_up().await;
    assert_all_settled(&rig, 80).await;
    running.stop().await;
    other.stop().await;
    assert_all_settled(&rig, 80).await;
}
