//! The rows of the pulse feed: those of the log, whatever happens to who writes them. The witness of the accounts compares
//! them at each settlement; here is what else becomes of them.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use tidegate_agentping::feed::{self, Arrival, KEPT_MS};
use tidegate_agentping::{FinishStatus, Record, RunState};
use tidegate_agentping_ports::{FeedEntry, FeedRange, PulseFeed, settled_page};
use tidegate_agentping_testkit::{finish, record, start};
use tidegate_inproc::log::MemoryLog;
use tidegate_kernel::{Partition, Position, Timestamp};
use tidegate_persister::{Persister, purge_feed};
use tidegate_ports::{Account, Accounts, Again, AppendAgain, Checkpoint, Clock, Fate, Origin, SystemClock};

use crate::rig::{Ports, Rig, Running, eventually, key, records_of};

/// The rows of a partition as the log has them: by folding it from its beginning to its end.
pub fn rows_of_log(log: &MemoryLog, partition: Partition) -> Vec<FeedEntry> {
    let mut runs: HashMap<_, RunState> = HashMap::new();
    let mut rows = Vec::new();
    for one in log.records(partition) {
        let Ok(record) = Record::decode(&one.payload) else { continue };
        let replayed = one.provenance.is_some_and(|provenance| provenance.origin.is_some());
        let arrival = Arrival { appended_at: one.appended_at, replayed };
        let row = feed::apply(runs.entry(record.key()).or_default(), record, arrival).1;
        rows.extend(row.map(|row| FeedEntry { position: one.position, row }));
    }
    rows
}

impl Rig {
    /// The stored rows of all partitions.
    async fn rows(&self) -> Vec<FeedEntry> {
        let mut rows = Vec::new();
        for partition in 0..4 {
            let range = FeedRange { generation: 1, partition, from: 0, until: i64::MAX };
            rows.extend(self.runs.feed_page(range, usize::MAX).await.expect("in memory").entries);
        }
        rows
    }

    fn expected(&self) -> Vec<FeedEntry> {
        (0..4).flat_map(|partition| rows_of_log(&self.log, partition)).collect()
    }

    async fn append_again(&self, record: &Record, origin: Position) {
        let again = Again {
            key: Some(record.key().log_key()),
            payload: Bytes::from(record.encode()),
            origin: Origin { position: origin, attempt: 2 },
        };
        self.log.append_again(again).await.expect("appended");
    }
}

fn somewhere() -> Position {
    Position { generation: 1, partition: 0, offset: 0 }
}

#[tokio::test(start_paused = true)]
async fn each_record_that_says_something_has_its_row() {
    let rig = Rig::new();
    let running = rig.start();
    for record in (1..9).flat_map(|run| records_of(run, 4)) {
        rig.append(&record).await;
    }
    rig.caught_up().await;
    running.stop().await;
    let rows = rig.rows().await;
    assert_eq!(rows.len(), 8 * (1 + 4 + 1));
    assert_eq!(rows, rig.expected());
    assert!(rows.iter().all(|entry| !entry.row.replayed && !entry.row.recovered));
}

/// AC-28: a replay of what was applied says nothing; what a replay brings for the first time says that it is replayed.
#[tokio::test(start_paused = true)]
async fn a_replayed_record_says_so_and_only_if_it_was_missing() {
    let rig = Rig::new();
    let running = rig.start();
    let [opening, closing] = [record(key(1), now(), start("a")), record(key(1), now(), finish(FinishStatus::Failed))];
    rig.append(&opening).await;
    rig.append_again(&opening, somewhere()).await;
    rig.append_again(&closing, somewhere()).await;
    rig.append_again(&closing, somewhere()).await;
    rig.caught_up().await;
    running.stop().await;
    let rows = rig.rows().await;
    let said: Vec<_> =
        rows.iter().map(|entry| (entry.row.did.opened, entry.row.did.ended, entry.row.replayed)).collect();
    assert_eq!(said, [(true, false, false), (false, true, true)]);
    assert_eq!(rows, rig.expected());
}

/// A store that has lost rows of which the runs survived gets them back, marked; those that are there stay.
#[tokio::test(start_paused = true)]
async fn rows_that_the_store_lost_are_recovered() {
    let rig = Rig::new();
    let running = rig.start_reading_again();
    for record in (1..9).flat_map(|run| records_of(run, 2)) {
        rig.append(&record).await;
    }
    rig.caught_up().await;
    assert_eq!(rig.rows().await, rig.expected());
    // Read again for nothing: no row changes.
    rig.runs.has_started_again();
    rig.append(&record(key(20), now(), start("a"))).await;
    rig.caught_up().await;
    assert_eq!(rig.rows().await, rig.expected());
    rig.runs.lose_feed();
    rig.runs.has_started_again();
    let is_back = async || {
        let rows = rig.rows().await;
        let has = |wanted: &FeedEntry| {
            rows.iter().any(|found| {
                let (found_did, did) = (found.row.did, wanted.row.did);
                let says_as_much = found_did.opened >= did.opened && found_did.ended >= did.ended;
                found.position == wanted.position && found.row.recovered && says_as_much
            })
        };
        rig.expected().iter().all(has)
    };
    eventually("every row is there again", is_back).await;
    running.stop().await;
}

/// Of the feed nothing older is kept, so a persister that reads an old log does not write it.
#[tokio::test(start_paused = true)]
async fn old_records_make_no_rows_and_old_rows_go() {
    let rig = Rig::new();
    rig.append(&record(key(1), now(), start("a"))).await;
    let running = start_at(&rig, Later(KEPT_MS + 60_000));
    rig.caught_up().await;
    running.stop().await;
    assert_eq!(rig.rows().await, []);
    assert!(rig.stored(key(1)).await.is_some());

    rig.append(&record(key(2), now(), start("a"))).await;
    let running = start_at(&rig, Later(KEPT_MS - 60_000));
    rig.caught_up().await;
    running.stop().await;
    assert_eq!(rig.rows().await.len(), 1);
    assert_eq!(purge_feed(&rig.runs, Later(KEPT_MS - 60_000).now()).await, Ok(0));
    assert_eq!(purge_feed(&rig.runs, Later(KEPT_MS + 60_000).now()).await, Ok(1));
    assert_eq!(rig.rows().await, []);
}

/// A reader of a store that has started again gets what cannot be lost, until the persister has read the rest again.
#[tokio::test]
async fn a_page_ends_where_the_store_may_have_lost_rows() {
    let Rig { runs, accounts, .. } = Rig::new();
    let position = |offset| Position { generation: 1, partition: 0, offset };
    tidegate_agentping_testkit::persist(
        &runs,
        (0..6).map(|offset| (position(offset), record(key(offset as u128), now(), start("a")))),
    )
    .await
    .expect("saved");
    let settle = async |next_offset: i64, starts, safe| {
        let mut account = Account::opened(1, 0, 0);
        (0..next_offset).for_each(|offset| account.count(offset, Fate::Stored));
        account.checkpoint = Some(Checkpoint { starts, offset: safe });
        accounts.settle(account).await.expect("settled");
    };
    let read = async |from| {
        let of = FeedRange { generation: 1, partition: 0, from, until: i64::MAX };
        let page = settled_page(&runs, &accounts, of, 10).await.expect("read").expect("an account");
        (page.entries.len(), page.next_offset)
    };
    let before = runs.feed_starts().await.expect("asked");
    settle(4, before, 2).await;
    assert_eq!(read(0).await, (4, 4));
    runs.has_started_again();
    assert_eq!(read(0).await, (2, 2));
    assert_eq!(read(3).await, (0, 3), "what was read before is not taken back");
    // The persister has read its records again, and settles with the store's new number.
    settle(5, runs.feed_starts().await.expect("asked"), 2).await;
    assert_eq!(read(0).await, (5, 5));
    assert_eq!(read(3).await, (2, 5));
}

fn now() -> Timestamp {
    SystemClock.now()
}

/// So many milliseconds ahead.
struct Later(i64);

impl Clock for Later {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus_millis(self.0)
    }
}

fn start_at(rig: &Rig, clock: Later) -> Running {
    let Ports { log, runs, accounts, dead_letters } = rig.ports();
    Rig::run(Persister::new(log, runs, accounts, dead_letters, Arc::new(clock), rig.config))
}
