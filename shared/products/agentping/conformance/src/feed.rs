//! What every store does with the rows of the pulse feed: [`PulseFeed`] with [`Runs`] and [`Accounts`].

use std::sync::Arc;

use tidegate_agentping::feed::Arrival;
use tidegate_agentping::{FeedRow, FinishStatus, Record, RunKey, RunState};
use tidegate_agentping_ports::{FeedEntry, FeedPage, FeedRange, PulseFeed, RunWrite, Runs, settled_page};
use tidegate_agentping_testkit::{finish, fresh_key, record, start};
use tidegate_kernel::{Partition, Position, Timestamp};
use tidegate_ports::{Account, Accounts, Clock, Fate, SystemClock};

mod delivering;

const GENERATION: u16 = 1;

/// A store through the ports of its feed. Partitions from 0 on, of generation 1, hold nothing yet.
#[derive(Clone)]
pub struct FeedUnderTest {
    pub runs: Arc<dyn Runs>,
    pub feed: Arc<dyn PulseFeed>,
    pub accounts: Arc<dyn Accounts>,
}

/// Runs every case. `histories` is how many random ones are delivered.
pub async fn suite(store: &FeedUnderTest, histories: u32) {
    rows_come_back_page_by_page_in_the_order_of_the_log(store, 0).await;
    a_page_ends_where_its_partition_is_settled(store, 2).await;
    a_row_that_is_there_stays_and_a_lost_one_is_recovered(store, 3).await;
    young_rows_are_not_purged(store, 4).await;
    for seed in 0..histories {
        delivering::whatever_is_delivered_the_rows_are_those_of_the_log(store, seed, 100 + seed).await;
    }
}

/// The log in records of now: a store may let rows end by themselves.
fn now() -> Timestamp {
    Timestamp::from_millis(SystemClock.now().as_millis())
}

fn at(partition: Partition, offset: i64) -> Position {
    Position { generation: GENERATION, partition, offset }
}

impl FeedUnderTest {
    /// Saves a run that ended in one record at this position, and returns its row.
    async fn save_ended(&self, position: Position, key: RunKey) -> FeedEntry {
        let write = ended(position, key);
        let [entry] = <[FeedEntry; 1]>::try_from(write.feed.clone()).expect("one row");
        self.runs.save(Arc::new(vec![write])).await.expect("saved");
        entry
    }

    /// The rows of `[from, until)`, read by pages of so many.
    async fn rows(&self, partition: Partition, offsets: std::ops::Range<i64>, limit: usize) -> Vec<FeedEntry> {
        let mut of = FeedRange { generation: GENERATION, partition, from: offsets.start, until: offsets.end };
        let mut rows = Vec::new();
        while of.from < of.until {
            let page = self.feed.feed_page(of, limit).await.expect("read");
            assert!(page.entries.len() <= limit, "{} rows", page.entries.len());
            assert!(page.next_offset > of.from && page.next_offset <= of.until, "{of:?} ends at {}", page.next_offset);
            rows.extend(page.entries);
            of.from = page.next_offset;
        }
        rows
    }

    /// The first page of what is settled.
    async fn settled(&self, partition: Partition, limit: usize) -> Option<FeedPage> {
        let of = FeedRange { generation: GENERATION, partition, from: 0, until: i64::MAX };
        settled_page(&*self.feed, &*self.accounts, of, limit).await.expect("read")
    }

    async fn settle(&self, partition: Partition, next_offset: i64) {
        let mut account = Account::opened(GENERATION, partition, 0);
        (0..next_offset).for_each(|offset| account.count(offset, Fate::Stored));
        self.accounts.settle(account).await.expect("settled");
    }
}

/// A run of one record that opens and closes it.
fn ended(position: Position, key: RunKey) -> RunWrite {
    let (mut state, arrival) = (RunState::default(), Arrival { appended_at: now(), replayed: false });
    state.apply(record(key, now(), finish(FinishStatus::Failed)));
    let row = tidegate_agentping::feed::apply(&mut state, record(key, now(), start("an agent")), arrival).1;
    let feed = row.map(|row| FeedEntry { position, row }).into_iter().collect();
    RunWrite { key, run: state.run, new_events: Vec::new(), feed, position, again: None }
}

async fn rows_come_back_page_by_page_in_the_order_of_the_log(store: &FeedUnderTest, partition: Partition) {
    // On both sides of the boundaries that an adapter may have, and far from each other.
    let offsets = [0, 1, 7, 9_998, 9_999, 10_000, 10_001, 20_000, 400_000];
    let mut expected = Vec::new();
    for offset in offsets {
        expected.push(store.save_ended(at(partition, offset), fresh_key()).await);
    }
    // Of another partition and of another generation.
    let other = store.save_ended(at(partition + 1, 7), fresh_key()).await;
    let newer = Position { generation: GENERATION + 1, ..at(partition, 7) };
    store.save_ended(newer, fresh_key()).await;
    for limit in [1, 2, 9, 100] {
        assert_eq!(store.rows(partition, 0..400_001, limit).await, expected, "pages of {limit}");
    }
    assert_eq!(store.rows(partition, 1..9_999, 2).await, expected[1..4]);
    assert_eq!(store.rows(partition, 10_002..20_000, 2).await, []);
    assert_eq!(store.rows(partition + 1, 0..10, 2).await, [other]);
}

async fn a_page_ends_where_its_partition_is_settled(store: &FeedUnderTest, partition: Partition) {
    let mut rows = Vec::new();
    for offset in 0..4 {
        rows.push(store.save_ended(at(partition, offset), fresh_key()).await);
    }
    assert_eq!(store.settled(partition, 10).await, None, "there is no account");
    store.settle(partition, 3).await;
    let page = store.settled(partition, 10).await.expect("an account");
    assert_eq!((page.entries, page.next_offset), (rows[..3].to_vec(), 3));
    let page = store.settled(partition, 2).await.expect("an account");
    assert_eq!((page.entries, page.next_offset), (rows[..2].to_vec(), 2));
    let beyond = FeedRange { generation: GENERATION, partition, from: 3, until: i64::MAX };
    let page = settled_page(&*store.feed, &*store.accounts, beyond, 10).await.expect("read");
    assert_eq!(page, Some(FeedPage { entries: Vec::new(), next_offset: 3 }), "nothing more is settled");
}

/// The run is stored beyond both records.
async fn a_row_that_is_there_stays_and_a_lost_one_is_recovered(store: &FeedUnderTest, partition: Partition) {
    let key = fresh_key();
    let there = store.save_ended(at(partition, 5), key).await;
    let write = ended(at(partition, 5), key);
    let arrival = Arrival { appended_at: now(), replayed: false };
    let opening = Record::new(
        key,
        write.run.opening().expect("opened").received_at,
        tidegate_agentping::Body::Start(start("an agent")),
    );
    let recovered = FeedRow::recover(&opening, &write.run, arrival).expect("a row");
    let lost = FeedEntry { position: at(partition, 3), row: recovered.clone() };
    let same = FeedEntry { position: at(partition, 5), row: recovered };
    let again = RunWrite { feed: vec![lost.clone(), same], again: Some(Vec::new()), ..write };
    for _ in 0..2 {
        store.runs.save(Arc::new(vec![again.clone()])).await.expect("saved");
        assert_eq!(store.rows(partition, 0..10, 10).await, [lost.clone(), there.clone()]);
    }
}

async fn young_rows_are_not_purged(store: &FeedUnderTest, partition: Partition) {
    let row = store.save_ended(at(partition, 0), fresh_key()).await;
    store.settle(partition, 1).await;
    let before = now().plus_millis(-tidegate_agentping::feed::KEPT_MS);
    assert_eq!(store.feed.purge_feed(before, 100).await, Ok(0));
    assert_eq!(store.rows(partition, 0..1, 1).await, [row]);
}
