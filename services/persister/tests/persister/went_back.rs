//! A store that acknowledged what it had not synced, and starts again without it: what it lost is read again from the
//! log, before anything is built upon what is left.

use tidegate_agentping::Record;
use tidegate_agentping_inproc::noted_accounts::MemoryNotedAccounts;
use tidegate_agentping_inproc::runs::MemoryRuns;
use tidegate_agentping_ports::NotedAccounts;
use tidegate_ports::{Accounts, Fate};

use crate::rig::{Rig, eventually, key, records_of};

const RUNS: std::ops::Range<u128> = 1..9;

/// What the store had synced at some time.
struct Synced {
    runs: MemoryRuns,
    accounts: MemoryNotedAccounts,
}

impl Rig {
    fn synced(&self) -> Synced {
        Synced { runs: self.runs.copied(), accounts: self.accounts.copied() }
    }

    /// Kills the store and starts it again on what it had synced.
    fn store_goes_back_to(&self, synced: &Synced) {
        self.runs.go_back_to(&synced.runs);
        self.accounts.go_back_to(&synced.accounts);
        self.runs.has_started_again();
    }

    async fn append_all(&self, part: impl Fn(Vec<Record>) -> Vec<Record>) {
        for run in RUNS {
            for record in part(records_of(run, 4)) {
                self.append(&record).await;
            }
        }
    }

    async fn is_whole(&self) -> bool {
        for key in RUNS.map(key) {
            if self.stored(key).await != Some(self.folded(key)) {
                return false;
            }
        }
        true
    }

    /// Each record is counted once, as what it was.
    async fn assert_accounts_are_exact(&self) {
        for account in self.accounts.accounts().await.expect("in memory") {
            let records = self.log.records(account.partition).len() as u64;
            assert_eq!((account.settled(), account.missing()), (records, 0), "{account:?}");
            assert_eq!(account.stored, records, "{account:?}");
        }
    }
}

fn first_half(mut records: Vec<Record>) -> Vec<Record> {
    records.truncate(3);
    records
}

fn middle(records: Vec<Record>) -> Vec<Record> {
    records[3..5].to_vec()
}

fn the_end(records: Vec<Record>) -> Vec<Record> {
    records[5..].to_vec()
}

#[tokio::test(start_paused = true)]
async fn what_the_store_lost_is_read_again_before_anything_is_built_upon_the_rest() {
    let rig = Rig::new();
    let running = rig.start_reading_again();
    rig.append_all(first_half).await;
    rig.caught_up().await;
    let synced = rig.synced();
    rig.append_all(middle).await;
    rig.caught_up().await;
    rig.store_goes_back_to(&synced);
    // Of the same runs: folded onto what is left, they would hide permanently what was lost.
    rig.append_all(the_end).await;
    rig.caught_up().await;
    running.stop().await;
    rig.assert_store_is_the_fold(RUNS.map(key)).await;
    rig.assert_accounts_are_exact().await;
}

#[tokio::test(start_paused = true)]
async fn a_persister_that_has_nothing_to_do_notices_too() {
    let rig = Rig::new();
    let running = rig.start_reading_again();
    rig.append_all(first_half).await;
    rig.caught_up().await;
    let synced = rig.synced();
    rig.append_all(middle).await;
    rig.caught_up().await;
    rig.store_goes_back_to(&synced);
    assert!(!rig.is_whole().await, "something was lost");
    eventually("what was lost is back", async || rig.is_whole().await).await;
    running.stop().await;
    rig.assert_accounts_are_exact().await;
}

#[tokio::test(start_paused = true)]
async fn so_does_the_next_owner_where_everything_died_at_once() {
    for comes_later in [false, true] {
        let rig = Rig::new();
        let running = rig.start_reading_again();
        rig.append_all(first_half).await;
        rig.caught_up().await;
        let synced = rig.synced();
        rig.append_all(middle).await;
        rig.caught_up().await;
        running.kill().await;
        rig.store_goes_back_to(&synced);
        let next = rig.start_reading_again();
        if comes_later {
            rig.append_all(the_end).await;
            rig.caught_up().await;
        }
        eventually("what was lost is back", async || rig.is_whole().await).await;
        next.stop().await;
        rig.assert_store_is_the_fold(RUNS.map(key)).await;
        rig.assert_accounts_are_exact().await;
    }
}

#[tokio::test(start_paused = true)]
async fn events_that_a_surviving_summary_counts_come_back_and_are_not_counted_twice() {
    let rig = Rig::new();
    let running = rig.start_reading_again();
    rig.append_all(|records| records).await;
    rig.caught_up().await;
    rig.runs.lose_events(key(3));
    assert!(!rig.is_whole().await, "something was lost");
    rig.runs.has_started_again();
    eventually("the events are back", async || rig.is_whole().await).await;
    running.stop().await;
    rig.assert_accounts_are_exact().await;
}

#[tokio::test(start_paused = true)]
async fn notes_that_the_store_lost_are_noted_again() {
    let rig = Rig::new();
    let running = rig.start_reading_again();
    let records = records_of(1, 1);
    rig.append(&records[0]).await;
    rig.caught_up().await;
    let synced = rig.synced();
    let twice = rig.append_twice(&records[1]).await;
    rig.caught_up().await;
    rig.store_goes_back_to(&synced);
    eventually("the repeat is noted", async || {
        let notes = rig.accounts.notes(&[twice]).await.expect("in memory");
        notes[0].is_some_and(|note| note.fate == Fate::Duplicate)
    })
    .await;
    running.stop().await;
}
