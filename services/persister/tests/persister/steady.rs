//! Nothing goes wrong.

use crate::rig::{Rig, key, records_of};

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
    crate::rig::eventually("something is stored", async || rig.stored(key(1)).await.is_some()).await;
    assert_eq!(running.stop().await.uncommitted, 0);
    let rest = rig.start();
    rig.caught_up().await;
    rig.assert_store_is_the_fold((1..=20).map(key)).await;
    rest.stop().await;
}
