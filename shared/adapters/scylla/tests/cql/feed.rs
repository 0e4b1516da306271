//! The pulse feed on a real cluster: when rows end, which one of two stays, and rows of records that became dead letters.

use std::sync::Arc;

use tidegate_agentping::feed::KEPT_MS;
use tidegate_agentping::{Event, FinishStatus, ModelCall, Record, RunKey};
use tidegate_agentping_ports::{FeedRange, Note, NotedAccounts, PulseFeed, RunWrite, Runs};
use tidegate_agentping_testkit::{EventWith as _, model_call};
use tidegate_kernel::{Position, Usd};
use tidegate_ports::{Clock, Fate, StoreError, SystemClock};
use tidegate_scylla::ScyllaStore;

use crate::support::history::{NOON, apply_all, at_offset, event, finish, fold, fresh, record, start};
use crate::support::{Keyspace, compared, session};

fn range(until: i64) -> FeedRange {
    FeedRange { generation: 1, partition: 0, from: 0, until }
}

fn priced(cost: u64) -> Event {
    event(fresh(), "{}").call(model_call("m", Some(Usd::from_nanos(cost))))
}

fn unpriced(model: String) -> Event {
    event(fresh(), "{}").call(ModelCall { model: model.into(), ..model_call("m", None) })
}

fn run_of_two(key: RunKey) -> [Record; 2] {
    [record(key, NOON, start("an agent", NOON)), record(key, NOON, finish(FinishStatus::Failed))]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_end_by_themselves_and_are_not_compared() {
    let (keyspace, other) = (Keyspace::fresh().await, Keyspace::fresh().await);
    let (store, other_store) = (ScyllaStore::new(keyspace.connect().await), ScyllaStore::new(other.connect().await));
    let log = run_of_two(RunKey { team: fresh(), run: fresh() });
    apply_all(&store, &log, 1).await;
    apply_all(&other_store, &log, 2).await;
    let text = format!("SELECT log_offset, TTL(entry), WRITETIME(entry) FROM {}.pulse_feed", keyspace.name);
    let rows = session().await.query_unpaged(text, ()).await.expect("read").into_rows_result().expect("rows");
    let rows: Vec<(i64, i32, i64)> = rows.rows().expect("typed").collect::<Result<_, _>>().expect("read");
    assert_eq!(rows.len(), 2);
    let kept_s = i32::try_from(KEPT_MS / 1_000).expect("small");
    for (offset, left_s, written) in rows {
        assert_eq!(written, at_offset(offset as usize).write_timestamp());
        assert!((kept_s - 3_600..=kept_s).contains(&left_s), "{left_s} s");
    }
    assert_eq!(store.purge_feed(SystemClock.now(), 10).await, Ok(0), "they end by themselves");

    let text = format!("TRUNCATE {}.pulse_feed", other.name);
    session().await.query_unpaged(text, ()).await.expect("emptied");
    let comparison = compared(&keyspace.name, &other.name).await;
    assert!(comparison.are_equal(), "{comparison:#?}");
    assert!(comparison.tables.iter().all(|table| table.table != "pulse_feed"));
}

/// A run is refused for good after the rows of its save were written: the record becomes a dead letter, and the rows that
/// its run's other records then have win over those that counted it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_record_has_no_row_and_leaves_none() {
    let keyspace = Keyspace::fresh().await;
    let store = ScyllaStore::new(keyspace.connect().await);
    let key = RunKey { team: fresh(), run: fresh() };
    let log = [
        record(key, NOON, start("an agent", NOON)),
        // A name of more than 65,535 bytes is no key: the server refuses the row of the unpriced model.
        record(key, NOON, vec![priced(9), unpriced("x".repeat(70_000))]),
        record(key, NOON, vec![priced(5)]),
    ];
    let all = fold(&store, &log, 0, 3).await.expect("folded");
    let refused = store.save(Arc::new(all.clone())).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    // What the consumer does next: each record alone, and those that are refused alone are dead letters.
    let [first] = <[RunWrite; 1]>::try_from(fold(&store, &log, 0, 1).await.expect("folded")).expect("one");
    store.save(Arc::new(vec![first])).await.expect("saved");
    let alone = fold(&store, &log, 1, 2).await.expect("folded");
    assert!(matches!(store.save(Arc::new(alone)).await, Err(StoreError::Refused(_))));
    let note = Note { position: at_offset(1), appended_at: SystemClock.now(), key: Some(key), fate: Fate::Dead };
    store.note(Arc::new(vec![note])).await.expect("noted");
    let [last] = <[RunWrite; 1]>::try_from(fold(&store, &log, 2, 3).await.expect("folded")).expect("one");
    store.save(Arc::new(vec![last.clone()])).await.expect("saved");

    let page = store.feed_page(range(3), 10).await.expect("read");
    assert_eq!(page.next_offset, 3);
    let positions: Vec<Position> = page.entries.iter().map(|entry| entry.position).collect();
    assert_eq!(positions, [at_offset(0), at_offset(2)]);
    assert_eq!(page.entries[1], last.feed[0], "what the record alone says");
    assert_ne!(page.entries[1], all[0].feed[2]);
}
