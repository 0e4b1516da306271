//! A store whose servers start again, where records can be void. The registration of the release may be lost with what
//! they acknowledged last. An operator does not see this release then, and may set a record aside that it could apply.

use std::sync::Arc;

use tidegate_inproc::clock::TestClock;
use tidegate_inproc::releases::MemoryReleases;
use tidegate_kernel::Timestamp;
use tidegate_ports::{Accounts, Releases};

use crate::sums::{Rig, Sums, eventually};

#[tokio::test(start_paused = true)]
async fn a_batch_that_was_decoded_before_the_store_started_again_is_applied_by_what_is_void_after_it() {
    let rig = Rig::new(Sums::default());
    rig.sums.answer_loads(Some(0));
    rig.append("a=1").await;
    let void = rig.append("a=2").await;
    rig.append("a=4").await;
    let running = rig.start_halting();
    eventually("the batch is loaded", async || rig.sums.loads() == 1).await;
    rig.sums.start_again();
    rig.void(void).await;
    rig.sums.answer_loads(None);
    rig.caught_up().await;
    assert_eq!(rig.sums.sum('a'), Some(5));
    let account = rig.accounts.account(1, 0).await.expect("in memory").expect("settled");
    assert_eq!((account.stored, account.dead, account.missing()), (2, 1, 0));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_release_registers_again_after_each_start_of_the_store_while_records_are_read_again() {
    let mut rig = Rig::new(Sums::default());
    rig.reads_again = true;
    rig.append("a=1").await;
    let running = rig.start_halting();
    rig.caught_up().await;
    let before = rig.sums.loads();
    rig.sums.answer_loads(Some(before));
    let void = rig.append("b=2").await;
    eventually("the record is loaded", async || rig.sums.loads() == before + 1).await;
    rig.sums.start_again();
    rig.sums.answer_loads(Some(before + 1));
    eventually("what came before it is read again", async || rig.sums.loads() == before + 2).await;
    rig.sums.start_again();
    rig.void(void).await;
    rig.sums.answer_loads(None);
    rig.caught_up().await;
    assert_eq!((rig.sums.sum('a'), rig.sums.sum('b')), (Some(1), None));
    running.stop().await;
}

/// The clock of the process is far behind the log's.
#[tokio::test(start_paused = true)]
async fn records_are_read_again_by_a_release_that_has_registered_at_their_time() {
    let mut rig = Rig::new(Sums::default());
    rig.reads_again = true;
    rig.clock = Arc::new(TestClock::at(Timestamp::from_millis(0)));
    rig.append("a=1").await;
    let first = rig.start_halting();
    rig.caught_up().await;
    first.stop().await;
    assert_eq!(rig.sums.saves(), 1);

    rig.releases = MemoryReleases::default();
    rig.sums.start_again();
    // No record comes, so that all that is applied is read again.
    let second = rig.start_halting();
    eventually("what the store may have lost is saved again", async || rig.sums.saves() == 2).await;
    let registered = rig.releases.registered().await.expect("in memory");
    let seen_at: Vec<Timestamp> = registered.iter().map(|registration| registration.seen_at).collect();
    assert_eq!(seen_at, [rig.log.records(0)[0].appended_at]);
    second.stop().await;
}

/// A lane without records looks for starts of the store for as long as what was saved last can be lost.
#[tokio::test(start_paused = true)]
async fn what_a_former_owner_saved_last_is_read_again_where_no_record_comes() {
    let mut rig = Rig::new(Sums::default());
    rig.reads_again = true;
    rig.append("a=1").await;
    let first = rig.start_dead_lettering();
    rig.caught_up().await;
    first.stop().await;
    let asked = rig.sums.asked_for_starts();
    let second = rig.start_dead_lettering();
    // Once as it takes the partition over, and once more.
    eventually("the store is asked again", async || rig.sums.asked_for_starts() > asked + 1).await;
    rig.sums.start_again();
    eventually("what the store may have lost is saved again", async || rig.sums.saves() == 2).await;
    second.stop().await;
}
