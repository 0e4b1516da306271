//! Runs far above what a batch of several partitions may have, and runs of many events.

use std::sync::Arc;

use tidegate_agentping::{Body, Event, Record, RunKey};
use tidegate_agentping_ports::{EventPage, RunQueries, RunWanted, Runs, StoredSummary};
use tidegate_scylla::{Cql, ScyllaOptions, ScyllaStore, agentping};

use crate::support::history::{NOON, apply, event, event_of_bytes, fold, fresh, record, start};
use crate::support::proxy::{Gate, Proxy};
use crate::support::{Keyspace, options};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

fn log_of(batches: Vec<Vec<Event>>) -> Vec<Record> {
    let key = RunKey { team: fresh(), run: fresh() };
    let mut log = vec![record(key, NOON, start("a", NOON))];
    log.extend(batches.into_iter().map(|events| record(key, NOON, events)));
    log
}

/// Everything that was saved is stored, and the summary counts it.
async fn assert_whole(store: &ScyllaStore, log: &[Record]) {
    let events = log.iter().filter_map(|record| match &record.body {
        Body::Events(events) => Some(events.clone()),
        Body::Start(_) | Body::Finish(_) | Body::Heartbeat(_) => None,
    });
    let mut events: Vec<Event> = events.flatten().collect();
    events.sort_by_key(|event| event.id);
    let key = log[0].key();
    let run = store.run(key).await.expect("read").expect("there");
    let rows = store.events(key, &EventPage::WHOLE).await.expect("read").rows;
    assert_eq!(run.events, events.len() as u64);
    assert_eq!(rows.len(), events.len());
    for (row, event) in rows.iter().zip(&events) {
        assert_eq!(row.event, *event);
    }
    let wanted = RunWanted { key, events: events.iter().map(|event| event.id).collect() };
    let hashes: Vec<_> = events.iter().map(|event| (event.id, event.content_hash)).collect();
    assert_eq!(store.stored(wanted).await.expect("read").events, hashes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_events_are_stored_whole() {
    let keyspace = Keyspace::shared().await;
    let store = ScyllaStore::new(keyspace.connect().await);
    // One request's worth of large events, and one event as large as a request, each one save.
    for events in [(0..15).map(|_| event_of_bytes(65 * KIB)).collect(), vec![event_of_bytes(MIB - KIB)]] {
        let log = log_of(vec![events]);
        apply(&store, &log, 0, log.len()).await.expect("applied");
        assert_whole(&store, &log).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_thousand_events_are_stored_whole() {
    let keyspace = Keyspace::shared().await;
    let store = ScyllaStore::new(keyspace.connect().await);
    let events = |_| (0..500).map(|n| event(fresh(), &format!("{{\"n\":{n}}}"))).collect();
    let log = log_of((0..10).map(events).collect());
    apply(&store, &log, 0, log.len()).await.expect("applied");
    assert_whole(&store, &log).await;
    // Delivered again, in other batches: nothing is new.
    for (from, to) in [(0, 4), (4, log.len())] {
        let again = fold(&store, &log, from, to).await.expect("folded");
        assert_eq!(again[0].new_events, []);
        store.save(Arc::new(again)).await.expect("saved");
    }
    assert_whole(&store, &log).await;
}

/// Above any one mutation: several batches, the summary in the last.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_save_of_many_megabytes_counts_nothing_before_its_end() {
    let keyspace = Keyspace::shared().await;
    let store = ScyllaStore::new(keyspace.connect().await);
    let proxy = Proxy::start().await;
    let options = ScyllaOptions { nodes: vec![proxy.address.clone()], retries: 0, ..options(&keyspace.name) };
    let dying = ScyllaStore::new(Cql::connect(&options, &agentping::SCHEMA).await.expect("connected"));
    let log = log_of((0..20).map(|_| vec![event_of_bytes(MIB - KIB)]).collect());
    apply(&store, &log, 0, 2).await.expect("applied");

    // A batch of pointers to the events, then the first of those with events.
    proxy.set(Gate::Passes(2));
    apply(&dying, &log, 2, log.len()).await.expect_err("broken off");
    assert_whole(&store, &log[..2]).await;
    apply(&store, &log, 2, log.len()).await.expect("applied");
    assert_whole(&store, &log).await;
}
