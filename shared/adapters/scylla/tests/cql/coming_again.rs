//! What comes again is written whole: rows that the store lost come back, whatever the process has written before.

use std::sync::Arc;

use tidegate_agentping::Record;
use tidegate_agentping_ports::{RunWanted, Runs};
use tidegate_scylla::ScyllaStore;

use crate::support::history::{eventful_run, fold, fresh};
use crate::support::{Keyspace, compared};

async fn assert_equal(one: &Keyspace, other: &Keyspace) {
    let comparison = compared(&one.name, &other.name).await;
    assert!(comparison.are_equal(), "{:#?}", comparison.first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_without_rows_and_truncated_tables_are_mended_by_the_store_that_wrote_them() {
    let (clean, other) = (Keyspace::fresh().await, Keyspace::fresh().await);
    let (clean_store, store) = (ScyllaStore::new(clean.connect().await), ScyllaStore::new(other.connect().await));
    let log: Vec<Record> = eventful_run(fresh());

    // The same batches; of one of them the summary survives, and its events do not.
    let mut lost = Vec::new();
    for from in (0..log.len()).step_by(3) {
        let mut writes = fold(&clean_store, &log, from, (from + 3).min(log.len())).await.expect("folded");
        clean_store.save(Arc::new(writes.clone())).await.expect("saved");
        if from == 3 {
            lost.clone_from(&writes);
            assert!(lost.iter().any(|write| !write.new_events.is_empty()));
            writes.iter_mut().for_each(|write| write.new_events.clear());
        }
        store.save(Arc::new(writes)).await.expect("saved");
    }
    let session = crate::support::session().await;
    for table in
        ["run_listing", "run_days", "run_usage", "run_repeats", "run_agents", "unpriced_models", "event_owners"]
    {
        let truncate = format!("TRUNCATE {}.{table}", other.name);
        session.query_unpaged(truncate, ()).await.expect("truncated");
    }
    let (key, events) = (log[0].key(), events_of(&log));
    let wanted = [RunWanted { key, events: events.clone() }];
    let missing = store.missing_rows(&wanted).await.expect("looked");
    assert!(missing.len() > 10, "{missing:?}");

    // Read again from the beginning: at places that the run has long passed.
    for mut write in lost {
        write.again = Some(events.clone());
        store.save(Arc::new(vec![write])).await.expect("saved");
    }
    assert_eq!(store.missing_rows(&wanted).await.expect("looked"), []);
    assert_equal(&clean, &other).await;
}

fn events_of(log: &[Record]) -> Vec<tidegate_agentping::EventId> {
    let ids = |record: &Record| match &record.body {
        tidegate_agentping::Body::Events(events) => events.iter().map(|event| event.id).collect(),
        _ => Vec::new(),
    };
    log.iter().flat_map(ids).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_nodes_starts_are_one_number_as_long_as_none_starts_again() {
    let keyspace = Keyspace::shared().await;
    let (one, other) = (ScyllaStore::new(keyspace.connect().await), ScyllaStore::new(keyspace.connect().await));
    let starts = one.starts().await.expect("answered");
    assert!(starts > 0, "a generation is the second of a start");
    assert_eq!((one.starts().await, other.starts().await), (Ok(starts), Ok(starts)));
    let cql = keyspace.connect().await;
    let durability = cql.durability();
    assert_eq!(durability.replicas, Some(1), "{durability}");
    assert!(durability.commitlog_sync.is_some(), "{durability}");
    assert_eq!(durability.warning().is_some(), !durability.syncs_first(), "{durability}");
}
