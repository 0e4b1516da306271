//! Purging orphans: nothing of them stays, and a purge that is broken off continues.

use tidegate_agentping::{Body, Record, RunKey};
use tidegate_agentping_ports::{RunWanted, Runs, StoredSummary};
use tidegate_kernel::Timestamp;
use tidegate_scylla::{Cql, ScyllaOptions, ScyllaStore, agentping};

use crate::support::history::{apply, event, fresh, record, start};
use crate::support::proxy::{Gate, Proxy};
use crate::support::{Keyspace, options, session};

const DAY_MS: i64 = 86_400_000;
/// A noon long ago.
const THEN: Timestamp = Timestamp::from_millis(1_000_036_800_000);

fn orphan(at: Timestamp) -> Vec<Record> {
    let key = RunKey { team: fresh(), run: fresh() };
    vec![record(key, at, (0..3).map(|_| event(fresh(), "{}")).collect::<Vec<_>>())]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_purged_orphan_stays() {
    let keyspace = Keyspace::fresh().await;
    let store = ScyllaStore::new(keyspace.connect().await);
    let session = session().await;
    let count = async |table: &str| {
        let text = format!("SELECT count(*) FROM {}.{table}", keyspace.name);
        let rows = session.query_unpaged(text, ()).await.expect("read").into_rows_result().expect("rows");
        rows.first_row::<(i64,)>().expect("a row").0
    };
    let day_before = THEN.plus_millis(-DAY_MS);
    let (old, young): (Vec<_>, Vec<_>) =
        ((0..6).map(|_| orphan(day_before)).collect(), (0..2).map(|_| orphan(THEN.plus_millis(1))).collect());
    // Orphans of the day before: one was opened since, one received another record today.
    let mut opened = orphan(day_before);
    opened.push(record(opened[0].key(), THEN, start("a", THEN)));
    let mut again = orphan(day_before);
    again.push(record(again[0].key(), THEN, event(fresh(), "{}")));
    for log in old.iter().chain(&young).chain([&opened, &again]) {
        for (from, to) in (0..log.len()).map(|place| (place, place + 1)) {
            apply(&store, log, from, to).await.expect("applied");
        }
    }
    assert_eq!((count("orphans").await, count("event_owners").await), (11, 6 * 3 + 2 * 3 + 3 + 4));

    // Cut off after each of its batches in turn.
    let proxy = Proxy::start().await;
    let options = ScyllaOptions { nodes: vec![proxy.address.clone()], retries: 0, ..options(&keyspace.name) };
    let dying = ScyllaStore::new(Cql::connect(&options, &agentping::SCHEMA).await.expect("connected"));
    proxy.set(Gate::Passes(2));
    dying.purge_orphans(THEN, 100).await.expect_err("broken off");

    let mut purged = 0;
    loop {
        let step = store.purge_orphans(THEN, 4).await.expect("purged");
        purged += step;
        if step < 4 {
            break;
        }
    }
    assert!(purged <= 6);
    for log in &old {
        let Body::Events(events) = &log[0].body else { unreachable!("orphans are events") };
        let wanted = RunWanted { key: log[0].key(), events: events.iter().map(|event| event.id).collect() };
        assert_eq!(store.stored(wanted).await.map(|stored| stored.run), Ok(None));
    }
    for log in young.iter().chain([&opened, &again]) {
        let wanted = RunWanted { key: log[0].key(), events: Vec::new() };
        assert!(store.stored(wanted).await.expect("read").run.is_some());
    }
    assert_eq!(count("orphans").await, 3, "hints of today");
    assert_eq!(count("event_owners").await, 2 * 3 + 3 + 4);
    let days = session
        .query_unpaged(format!("SELECT day FROM {}.orphan_days", keyspace.name), ())
        .await
        .expect("read")
        .into_rows_result()
        .expect("rows");
    assert!(days.rows_num() <= 3, "only days that have hints: {}", days.rows_num());
}
