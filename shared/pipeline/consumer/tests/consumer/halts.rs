//! Where no record may be skipped, poison halts its partition.

use tidegate_kernel::command::VoidState;
use tidegate_ports::{Accounts, Halt, Releases, Voids};

use crate::sums::{Rig, Running, Sums, eventually, release};

async fn halts_at(rig: &Rig, offset: i64) -> Running {
    let running = rig.start_halting();
    is_halted_at(rig, offset).await;
    running
}

async fn is_halted_at(rig: &Rig, offset: i64) {
    let halt = Halt { generation: 1, partition: 0, offset };
    eventually("the halt is stated", async || rig.accounts.halts().await == Ok(vec![halt])).await;
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
    assert_eq!(running.stop().await.uncommitted, 0, "halted records do not count as uncommitted");
    assert!(rig.listed_dead_letters().await.is_empty());
    // Neither is it skipped at the next start.
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

/// The fold says where it stops, or panics: what comes before that record is applied either way.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_folded_halts_its_partition_there() {
    for sums in [Sums::stopping_at('x'), Sums::panicking_at('x')] {
        let rig = Rig::new(sums);
        for record in ["a=1", "b=2", "a=4", "x=1", "a=8", "b=1"] {
            rig.append(record).await;
        }
        let running = halts_at(&rig, 3).await;
        eventually("what came before is committed", async || rig.behind().await == 3).await;
        assert_eq!([rig.sums.sum('a'), rig.sums.sum('b'), rig.sums.sum('x')], [Some(5), Some(2), None]);
        running.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_halts_where_poison_goes_to_the_dead_letters_too() {
    let rig = Rig::new(Sums::panicking_at('x'));
    for record in ["a=1", "a=one", "x=1", "a=2"] {
        rig.append(record).await;
    }
    let running = rig.start_dead_lettering();
    is_halted_at(&rig, 2).await;
    eventually("what came before is committed", async || rig.behind().await == 2).await;
    assert_eq!((rig.sums.sum('a'), rig.listed_dead_letters().await.len()), (Some(1), 1));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_halted_partition_goes_on_once_its_record_is_void() {
    let mut rig = Rig::new(Sums::stopping_at('x'));
    rig.config.poll_bytes = 12;
    for record in ["a=1", "a=2", "a=one", "a=4", "x=1", "a=8", "b=1", "b=2"] {
        rig.append(record).await;
    }
    let running = halts_at(&rig, 2).await;
    let unreadable = rig.log.records(0)[2].position;
    rig.void(unreadable).await;
    is_halted_at(&rig, 4).await;
    rig.append("b=4").await;
    let stops = rig.log.records(0)[4].position;
    rig.void(stops).await;
    rig.caught_up().await;
    assert_eq!([rig.sums.sum('a'), rig.sums.sum('b'), rig.sums.sum('x')], [Some(15), Some(7), None]);
    let account = rig.accounts.account(1, 0).await.expect("in memory").expect("settled");
    assert_eq!((account.stored, account.dead, account.missing()), (7, 2, 0));
    running.stop().await;
}

/// Also one that this release could apply: every reader of the log skips exactly the void ones.
#[tokio::test(start_paused = true)]
async fn a_void_record_is_passed_over_though_it_can_be_applied() {
    let rig = Rig::new(Sums::default());
    rig.append("a=1").await;
    let void = rig.append("a=2").await;
    rig.append("a=4").await;
    rig.void(void).await;
    let running = rig.start_halting();
    rig.caught_up().await;
    assert_eq!(rig.sums.sum('a'), Some(5));
    running.stop().await;
}

/// Its release has registered before, and says which records it cannot apply.
#[tokio::test(start_paused = true)]
async fn a_partition_waits_at_a_record_that_is_asked_to_be_void_until_that_is_settled() {
    for (settled, sum) in [(VoidState::Withdrawn, 7), (VoidState::InForce, 5)] {
        let rig = Rig::new(Sums::default());
        rig.append("a=1").await;
        let asked = rig.append("a=2").await;
        rig.append("a=4").await;
        let round = rig.ask_for_void(asked).await;
        let running = halts_at(&rig, 1).await;
        eventually("what came before is committed", async || rig.behind().await == 2).await;
        assert_eq!(rig.sums.sum('a'), Some(1));
        let registered = rig.releases.registered().await.expect("in memory");
        assert_eq!(registered.iter().map(|one| &one.release).collect::<Vec<_>>(), [&release()]);
        assert_eq!(rig.releases.inabilities().await, Ok(vec![]), "it could apply it");
        rig.voids.settle(asked, round, settled).await.expect("in memory");
        rig.caught_up().await;
        assert_eq!(rig.sums.sum('a'), Some(sum), "{settled:?}");
        running.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_applied_is_stated_where_that_follows_from_the_log_alone() {
    for (sums, records, halted, stated) in [
        (Sums::default(), ["a=1", "a=one"], 1, true),
        (Sums::stopping_at('x'), ["a=1", "x=1"], 1, true),
        // Whether a panic follows from the log alone, only a product can say.
        (Sums::panicking_at('x'), ["a=1", "x=1"], 1, false),
        (Sums::prevented_at('x'), ["a=1", "x=1"], 1, false),
        (Sums::refusing('b'), ["a=1", "b=1"], 0, false),
    ] {
        let rig = Rig::new(sums);
        for record in records {
            rig.append(record).await;
        }
        let running = halts_at(&rig, halted).await;
        let expected = stated.then(|| (rig.log.records(0)[1].position, release()));
        assert_eq!(rig.releases.inabilities().await, Ok(expected.into_iter().collect()), "{records:?}");
        running.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_halted_partition_can_be_handed_over_and_its_next_owner_goes_on() {
    let rig = Rig::new(Sums::default());
    let records = ["a=1", "a=one", "a=2"];
    for record in records {
        rig.append(record).await;
    }
    let first = halts_at(&rig, 1).await;
    first.kill().await;
    rig.void(rig.log.records(0)[1].position).await;
    let second = rig.start_halting();
    rig.caught_up().await;
    assert_eq!(rig.sums.sum('a'), Some(3));
    assert_eq!(second.stop().await.uncommitted, 0);
}

#[tokio::test(start_paused = true)]
async fn a_batch_has_so_many_records_of_a_key_at_most() {
    let mut rig = Rig::new(Sums::default());
    rig.config.max_records_of_key = Some(3);
    for number in 0..20 {
        rig.append(&format!("a={number}")).await;
        rig.append(&format!("b={number}")).await;
    }
    let running = rig.start_halting();
    rig.caught_up().await;
    assert_eq!((rig.sums.sum('a'), rig.sums.sum('b'), rig.sums.most_of_a_name()), (Some(190), Some(190), 3));
    let account = rig.accounts.account(1, 0).await.expect("in memory").expect("settled");
    assert_eq!((account.stored, account.missing()), (40, 0));
    running.stop().await;
}
