//! Members join and leave under load.

use crate::rig::{Rig, key, records_of};

#[tokio::test]
async fn joining_and_leaving_neither_loses_nor_doubles() {
    let rig = Rig::new();
    let mut members = vec![rig.start()];
    for run in 1..=60u128 {
        for record in records_of(run, 3) {
            rig.append(&record).await;
        }
        match run % 4 {
            0 => members.push(rig.start()),
            2 if members.len() > 1 => {
                members.remove(0).stop().await;
            }
            _ => tokio::task::yield_now().await,
        }
    }
    rig.caught_up().await;
    rig.assert_store_is_the_fold((1..=60).map(key)).await;
    for member in members {
        member.stop().await;
    }
}

#[tokio::test]
async fn a_killed_members_partitions_are_taken_over() {
    let rig = Rig::new();
    let (first, second) = (rig.start(), rig.start());
    for run in 1..=20 {
        for record in records_of(run, 2) {
            rig.append(&record).await;
        }
    }
    first.kill().await;
    rig.caught_up().await;
    rig.assert_store_is_the_fold((1..=20).map(key)).await;
    second.stop().await;
}
