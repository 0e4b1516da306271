//! A store that is down, partitions that are taken away, and a process that dies.

use std::time::Duration;

use tidegate_ports::Accounts;

use crate::sums::{Rig, Sums, eventually};

#[tokio::test(start_paused = true)]
async fn a_store_outage_dead_letters_nothing() {
    let rig = Rig::new(Sums::default());
    rig.sums.set_away(true);
    rig.append("a=1").await;
    let running = rig.start_dead_lettering();
    eventually("it goes on trying", async || rig.sums.tries() > 12).await;
    assert_eq!(rig.behind().await, 1, "nothing is committed");
    assert!(rig.listed_dead_letters().await.is_empty());
    rig.sums.set_away(false);
    rig.caught_up().await;
    assert_eq!(rig.sums.sum('a'), Some(1));
    running.stop().await;
}

/// What was read of a partition is applied, settled and committed before its next owner has it.
#[tokio::test(start_paused = true)]
async fn a_revocation_drains() {
    let mut rig = Rig::with_partitions(2, Sums::default());
    // Nothing is settled but by draining.
    rig.config.settle_every = Duration::from_secs(3_600);
    rig.sums.close_gate(true);
    let names = ["a", "b", "c", "d", "e", "f"];
    for name in names {
        rig.append(&format!("{name}=1")).await;
    }
    let first = rig.start_dead_lettering();
    eventually("both partitions have a batch under way", async || rig.sums.saves() == 2).await;
    assert_eq!(rig.behind().await, names.len() as u64);
    let second = rig.start_dead_lettering();
    rig.sums.close_gate(false);
    rig.caught_up().await;
    let accounts = rig.accounts.accounts().await.expect("in memory");
    assert_eq!(accounts.iter().map(|account| account.stored).sum::<u64>(), names.len() as u64);
    assert_eq!(rig.sums.saves(), 2, "no record came twice");
    assert_eq!([first.stop().await.uncommitted, second.stop().await.uncommitted], [0, 0]);
}

/// Between save and commit: what was saved is not counted or committed yet, comes again, and changes nothing.
#[tokio::test(start_paused = true)]
async fn a_kill_between_save_and_commit_repeats_and_changes_nothing() {
    let rig = Rig::new(Sums::default());
    rig.sums.close_gate(true);
    for record in ["a=1", "b=2", "a=4"] {
        rig.append(record).await;
    }
    let running = rig.start_dead_lettering();
    eventually("the batch is saved", async || rig.sums.sum('a') == Some(5)).await;
    running.kill().await;
    assert_eq!(rig.behind().await, 3, "nothing is committed");
    assert_eq!(rig.accounts.accounts().await, Ok(vec![]), "nothing is settled");
    rig.sums.close_gate(false);
    let next = rig.start_dead_lettering();
    rig.caught_up().await;
    assert!(rig.sums.saves() > 1, "the records came again");
    assert_eq!((rig.sums.sum('a'), rig.sums.sum('b')), (Some(5), Some(2)));
    let account = rig.accounts.account(1, 0).await.expect("in memory").expect("settled");
    assert_eq!((account.stored, account.missing()), (3, 0));
    next.stop().await;
}
