//! Where no record may be passed over, poison halts its partition.

use tidegate_consumer::Poison;
use tidegate_ports::{Accounts, Halt};

use crate::sums::{Rig, Running, Sums, eventually};

async fn halts_at(rig: &Rig, offset: i64) -> Running {
    let running = rig.start(Poison::Halt);
    let halt = Halt { generation: 1, partition: 0, offset };
    eventually("the halt is stated", async || rig.accounts.halts().await == Ok(vec![halt])).await;
    running
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_decoded_halts_its_partition_there() {
    let rig = Rig::new(Sums::default());
    for record in ["a=1", "b=2", "a=one", "a=2"] {
        rig.append(record).await;
    }
    let running = halts_at(&rig, 2).await;
    eventually("what came before is committed", async || rig.behind().await == 2).await;
    assert_eq!((rig.sums.sum('a'), rig.sums.sum('b')), (Some(1), Some(2)));
    assert_eq!(running.stop().await.uncommitted, 0, "what is halted is nobody's lateness");
    assert!(rig.listed_dead_letters().await.is_empty());
    // Neither is it passed over at the next start.
    let again = halts_at(&rig, 2).await;
    again.stop().await;
    assert_eq!((rig.behind().await, rig.sums.sum('a')), (2, Some(1)));
}

#[tokio::test(start_paused = true)]
async fn what_the_store_refuses_halts_its_partition_and_counts_nothing_of_the_batch() {
    let rig = Rig::new(Sums::refusing('b'));
    for record in ["a=1", "b=1", "a=2"] {
        rig.append(record).await;
    }
    let running = halts_at(&rig, 0).await;
    running.stop().await;
    assert_eq!(rig.behind().await, 3);
    assert_eq!(rig.accounts.accounts().await, Ok(vec![]));
    assert!(rig.listed_dead_letters().await.is_empty());
}
