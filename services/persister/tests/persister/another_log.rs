//! A log that is another one than the accounts are of, and one whose group has only forgotten where it was.

use tidegate_ports::{Account, Accounts, Fate, ReadLag};

use crate::rig::{GROUP, Rig, eventually, key, records_of};

async fn append(rig: &Rig, runs: std::ops::RangeInclusive<u128>) {
    for record in runs.flat_map(|run| records_of(run, 2)) {
        rig.append(&record).await;
    }
}

/// The topic was created again: its records stand where others stood that were applied. None of them may be taken for
/// those.
#[tokio::test]
async fn records_at_places_of_others_are_not_passed_over() {
    let rig = Rig::new();
    append(&rig, 1..=20).await;
    let lags = rig.log.lag(GROUP).partitions(&[]).await.expect("a reading");
    assert!(lags.iter().all(|lag| lag.end > 0), "{lags:?}");
    let mut former = Account::opened(1, 2, 0);
    (0..=lags[2].end).for_each(|offset| former.count(offset, Fate::Stored));
    rig.accounts.settle(former).await.expect("settled");
    let running = rig.start();
    eventually("the other partitions go on", async || {
        let lags = rig.log.lag(GROUP).partitions(&[]).await.expect("a reading");
        lags.iter().all(|lag| lag.partition == 2 || lag.records() == 0)
    })
    .await;
    // That it was looked at is certain once a later record of another partition is applied by the same persister.
    append(&rig, 21..=40).await;
    eventually("and go on", async || {
        let lags = rig.log.lag(GROUP).partitions(&[]).await.expect("a reading");
        lags.iter().all(|lag| lag.partition == 2 || lag.records() == 0)
    })
    .await;
    running.stop().await;
    let lag = rig.log.lag(GROUP).partitions(&[]).await.expect("a reading")[2];
    assert_eq!(lag.committed, 0, "nothing of it is committed");
    assert_eq!(rig.accounts.account(1, 2).await, Ok(Some(former)), "nor accounted for");
}

/// The group was deleted: all is read again, nothing is counted twice, and the partition continues.
#[tokio::test]
async fn records_that_only_come_again_are_no_other_log() {
    let rig = Rig::new();
    append(&rig, 1..=20).await;
    let running = rig.start();
    rig.caught_up().await;
    running.stop().await;
    let accounts = rig.accounts.accounts().await.expect("accounts");
    let other_group = rig.log.lag("persister-again");
    let lags = other_group.partitions(&accounts).await.expect("a reading");
    assert_eq!(
        lags.iter().map(tidegate_ports::PartitionLag::records).sum::<u64>(),
        0,
        "what is accounted for is applied"
    );
    assert!(other_group.read().await.expect("a reading").records > 0, "though nothing is committed");
    let again = rig.start_in("persister-again");
    append(&rig, 21..=22).await;
    eventually("it catches up", async || other_group.read().await.expect("a reading").records == 0).await;
    again.stop().await;
    rig.assert_store_is_the_fold((1..=22).map(key)).await;
    let accounts = rig.accounts.accounts().await.expect("accounts");
    assert!(accounts.iter().all(|account| account.missing() == 0 && account.from_offset == 0), "{accounts:?}");
}
