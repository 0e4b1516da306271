//! However records are batched, delivered again, or written late by a former owner, the rows are those of folding the log
//! once, in order; and at any time those that are settled are all there, and no other.

use std::collections::HashMap;
use std::sync::Arc;

use tidegate_agentping::feed::{self, Arrival};
use tidegate_agentping::{Record, RunKey, RunState};
use tidegate_agentping_ports::{FeedEntry, RunWrite};
use tidegate_kernel::Partition;

use super::{FeedUnderTest, at};
use crate::runs::chance::Chance;
use crate::runs::replays::some_log;

const BATCH: usize = 9;

pub(super) async fn whatever_is_delivered_the_rows_are_those_of_the_log(
    store: &FeedUnderTest,
    seed: u32,
    partition: Partition,
) {
    let mut chance = Chance::new(u64::from(seed));
    let log = some_log(&mut chance);
    let expected = rows_of(&log, partition);
    assert!(expected.len() > 5, "seed {seed} says something");
    let mut late: Option<Vec<RunWrite>> = None;
    let (mut next, mut settled) = (0, 0);
    while next < log.len() {
        let end = (next + 1 + chance.below(BATCH)).min(log.len());
        let read = (next..end).map(|offset| (at(partition, offset as i64), log[offset].clone()));
        let writes = tidegate_agentping_testkit::fold(&*store.runs, read).await.expect("loaded");
        if chance.once_in(4) {
            // Another owner takes over from here; this one's write comes late, after the other's.
            late = late.or(Some(writes));
            continue;
        }
        store.runs.save(Arc::new(writes)).await.expect("saved");
        if chance.once_in(2) {
            settled = settled.max(end as i64);
            store.settle(partition, settled).await;
        }
        // A redelivery begins with what is not settled.
        next = if chance.once_in(4) { (settled as usize).min(end) } else { end };
        if chance.once_in(3)
            && let Some(writes) = late.take()
        {
            store.runs.save(Arc::new(writes)).await.expect("saved");
        }
        assert_settled_are_all_there(store, partition, settled, &expected, seed).await;
    }
    if let Some(writes) = late {
        store.runs.save(Arc::new(writes)).await.expect("saved");
    }
    store.settle(partition, log.len() as i64).await;
    assert_settled_are_all_there(store, partition, log.len() as i64, &expected, seed).await;
    assert_eq!(store.rows(partition, 0..log.len() as i64, 7).await, expected, "seed {seed}");
}

async fn assert_settled_are_all_there(
    store: &FeedUnderTest,
    partition: Partition,
    settled: i64,
    expected: &[FeedEntry],
    seed: u32,
) {
    let Some(page) = store.settled(partition, 1_000).await else {
        assert_eq!(settled, 0, "seed {seed}");
        return;
    };
    let below: Vec<FeedEntry> = expected.iter().filter(|entry| entry.position.offset < settled).cloned().collect();
    assert_eq!((page.entries, page.next_offset), (below, settled), "seed {seed}");
}

/// Folds the whole log once, in order.
fn rows_of(log: &[Record], partition: Partition) -> Vec<FeedEntry> {
    let mut runs: HashMap<RunKey, RunState> = HashMap::new();
    let mut rows = Vec::new();
    for (offset, record) in (0..).zip(log) {
        let arrival = Arrival { appended_at: record.received_at, replayed: false };
        let state = runs.entry(record.key()).or_default();
        let row = feed::apply(state, record.clone(), arrival).1;
        rows.extend(row.map(|row| FeedEntry { position: at(partition, offset), row }));
    }
    rows
}
