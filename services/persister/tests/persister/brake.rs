//! The brake: a release that cannot read what is on the log stops before it dead-letters everything.

use bytes::Bytes;
use tidegate_agentping::RunKey;
use tidegate_kernel::Partition;
use tidegate_persister::BrakeRules;
use tidegate_ports::{Accounts, Append, DeadLetters, Halt, PartitionLag, ReadLag};

use crate::rig::{GROUP, Rig, eventually, key, records_of};

const POISON: &[u8] = b"{\"v\":99,\"body\":{}}";

async fn append_poison(rig: &Rig, key: RunKey) {
    rig.log.append(key.log_key(), Bytes::from_static(POISON)).await.expect("appended");
}

async fn append_run(rig: &Rig, run: u128) {
    for record in records_of(run, 2) {
        rig.append(&record).await;
    }
}

async fn partition_of(rig: &Rig, run: u128) -> Partition {
    append_run(rig, run).await;
    let holds = |partition: &Partition| {
        rig.log
            .records(*partition)
            .iter()
            .any(|one| tidegate_agentping::Record::decode(&one.payload).is_ok_and(|record| record.key() == key(run)))
    };
    (0..4).find(holds).expect("it is somewhere")
}

async fn lag_in(rig: &Rig, partition: Partition) -> PartitionLag {
    let lags = rig.log.lag(GROUP).partitions(&[]).await.expect("a reading");
    *lags.iter().find(|lag| lag.partition == partition).expect("each partition has one")
}

async fn count_dead_letters(rig: &Rig) -> usize {
    rig.dead_letters.list(None, usize::MAX).await.expect("dead letters").len()
}

/// A thousand records that cannot be read: what came before them is applied, of them fewer than the brake's length are
/// dead-lettered, what comes after them waits unharmed on the log, and other partitions continue. A stop does not wait.
#[tokio::test]
async fn a_run_of_poison_stops_its_partition_and_no_other() {
    let rig = Rig::new();
    let braked = partition_of(&rig, 1).await;
    let before = lag_in(&rig, braked).await.end;
    for _ in 0..1_000 {
        append_poison(&rig, key(1)).await;
    }
    // More of the same run, and runs everywhere.
    append_run(&rig, 1).await;
    let mut elsewhere = Vec::new();
    for run in 2..=40 {
        if partition_of(&rig, run).await != braked {
            elsewhere.push(run);
        }
    }
    let running = rig.start();
    let held_at = before + 99;
    eventually("it is held where the brake's length is reached", async || {
        lag_in(&rig, braked).await.committed == held_at
    })
    .await;
    assert!(elsewhere.len() > 10);
    let halt = Halt { generation: 1, partition: braked, offset: held_at };
    eventually("front doors can read where it stands", async || rig.accounts.halts().await == Ok(vec![halt])).await;
    eventually("the other partitions go on", async || {
        let lags = rig.log.lag(GROUP).partitions(&[]).await.expect("a reading");
        lags.iter().all(|lag| lag.partition == braked || lag.records() == 0)
    })
    .await;
    rig.assert_store_is_the_fold(elsewhere.iter().map(|run| key(*run))).await;
    assert!(rig.stored(key(1)).await.is_some(), "what came before is applied");
    assert_eq!(count_dead_letters(&rig).await, 99);
    let account = rig.accounts.account(1, braked).await.expect("read").expect("there");
    assert_eq!((account.next_offset, account.dead, account.missing()), (held_at, 99, 0));

    // Later records of other partitions are still applied; here nothing moves.
    append_run(&rig, elsewhere[0]).await;
    eventually("the others still go on", async || {
        let lags = rig.log.lag(GROUP).partitions(&[]).await.expect("a reading");
        lags.iter().all(|lag| lag.partition == braked || lag.records() == 0)
    })
    .await;
    assert_eq!((lag_in(&rig, braked).await.committed, count_dead_letters(&rig).await), (held_at, 99));
    assert_eq!(running.stop().await.uncommitted, 0, "records behind the brake do not count as uncommitted");
}

/// After the operator has looked: a start with the rule raised continues exactly there, and each dead letter is there
/// once.
#[tokio::test]
async fn a_restart_goes_on_from_there() {
    let mut rig = Rig::new();
    let braked = partition_of(&rig, 1).await;
    let before = lag_in(&rig, braked).await.end;
    for _ in 0..1_000 {
        append_poison(&rig, key(1)).await;
    }
    append_run(&rig, 2).await;
    append_run(&rig, 1).await;
    let running = rig.start();
    eventually("it is held", async || lag_in(&rig, braked).await.committed == before + 99).await;
    running.stop().await;

    // The same release again stops again, a little later, and loses nothing.
    let again = rig.start();
    eventually("it is held again", async || lag_in(&rig, braked).await.committed == before + 198).await;
    again.stop().await;
    assert_eq!(count_dead_letters(&rig).await, 198);

    rig.config.brake = BrakeRules::OFF;
    let raised = rig.start();
    rig.caught_up().await;
    raised.stop().await;
    assert_eq!(count_dead_letters(&rig).await, 1_000);
    rig.assert_store_is_the_fold([key(1), key(2)]).await;
    let account = rig.accounts.account(1, braked).await.expect("read").expect("there");
    assert_eq!((account.dead, account.missing()), (1_000, 0));
    let halts = rig.accounts.halts().await.expect("halts");
    assert!(halts.iter().all(|halt| !halt.is_in_force(account.next_offset)), "{halts:?} are over");
}

/// A partition that is taken away while it is held continues with its next owner's own count.
#[tokio::test]
async fn a_held_partition_can_be_taken_away() {
    let mut rig = Rig::new();
    let braked = partition_of(&rig, 1).await;
    let before = lag_in(&rig, braked).await.end;
    for _ in 0..150 {
        append_poison(&rig, key(1)).await;
    }
    append_run(&rig, 1).await;
    let running = rig.start();
    eventually("it is held", async || lag_in(&rig, braked).await.committed == before + 99).await;
    // Members that would not hold join; the holder stays in the group for as long as they share.
    rig.config.brake = BrakeRules::OFF;
    let others = [rig.start(), rig.start(), rig.start()];
    running.stop().await;
    rig.caught_up().await;
    rig.assert_store_is_the_fold([key(1)]).await;
    assert_eq!(count_dead_letters(&rig).await, 150);
    for other in others {
        other.stop().await;
    }
}

/// One in five can never be read: a client or a disk is the cause, and each one becomes a dead letter.
#[tokio::test]
async fn occasional_poison_never_stops_anything() {
    let mut rig = Rig::new();
    // So that each partition has more of it than the share is judged by.
    rig.config.brake = BrakeRules { in_a_row: 10, window: 100, ratio_percent: 50 };
    let running = rig.start();
    for run in 1..=100 {
        append_run(&rig, run).await;
        append_poison(&rig, key(run)).await;
    }
    rig.caught_up().await;
    assert_eq!(count_dead_letters(&rig).await, 100);
    rig.assert_store_is_the_fold((1..=100).map(key)).await;
    running.stop().await;
}
