//! However a log is batched, broken off, delivered again or written late, two keyspaces end equal, cell by cell.

use std::sync::Arc;

use tidegate_agentping::Record;
use tidegate_agentping_ports::{FeedRange, PulseFeed, Runs};
use tidegate_scylla::{Comparison, Cql, ScyllaOptions, ScyllaStore, agentping, compare};

use crate::support::history::{apply, apply_all, eventful_run, fold, fresh};
use crate::support::proxy::{Gate, Proxy};
use crate::support::{Keyspace, compared, options};

/// A clean keyspace, and another one for what must make no difference.
struct Pair {
    clean: Keyspace,
    other: Keyspace,
    clean_store: ScyllaStore,
    other_store: ScyllaStore,
}

impl Pair {
    async fn new() -> Self {
        let (clean, other) = (Keyspace::fresh().await, Keyspace::fresh().await);
        let clean_store = ScyllaStore::new(clean.connect().await);
        let other_store = ScyllaStore::new(other.connect().await);
        Pair { clean, other, clean_store, other_store }
    }

    async fn compare(&self) -> Comparison {
        compared(&self.clean.name, &self.other.name).await
    }

    async fn assert_equal(&self) {
        let comparison = self.compare().await;
        assert!(comparison.are_equal(), "{:#?}", comparison.first);
        for table in &comparison.tables {
            assert!(table.rows_one > 0 && table.rows_one == table.rows_other, "{table:?}");
        }
        // Rows end, so `compare` leaves them out.
        let of = FeedRange { generation: 1, partition: 0, from: 0, until: 10_000 };
        let clean = self.clean_store.feed_page(of, 10_000).await.expect("read");
        assert!(!clean.entries.is_empty());
        assert_eq!(self.other_store.feed_page(of, 10_000).await, Ok(clean));
    }
}

/// More than a save has.
const MOST_BATCHES: usize = 200;

/// A store that writes to `keyspace` through the proxy, and gives up at once.
async fn through(proxy: &Proxy, keyspace: &Keyspace) -> ScyllaStore {
    let options = ScyllaOptions { nodes: vec![proxy.address.clone()], retries: 0, ..options(&keyspace.name) };
    ScyllaStore::new(Cql::connect(&options, &agentping::SCHEMA).await.expect("connected"))
}

/// The runs' records, one of each in turn.
fn log_of(runs: usize) -> Vec<Record> {
    let team = fresh();
    let stories: Vec<Vec<Record>> = (0..runs).map(|_| eventful_run(team)).collect();
    (0..stories[0].len()).flat_map(|step| stories.iter().map(move |story| story[step].clone())).collect()
}

/// One record after another from `begin` on. Of two records one is never at the other's place: the feed has one row for each.
async fn apply_from(store: &ScyllaStore, log: &[Record], begin: usize) {
    for at in begin..log.len() {
        apply(store, log, at, at + 1).await.expect("applied");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_batchings_are_equal_and_a_late_writer_changes_nothing() {
    let pair = Pair::new().await;
    let mut log = log_of(5);
    apply_all(&pair.clean_store, &log, 1).await;
    apply_all(&pair.other_store, &log, 7).await;
    pair.assert_equal().await;
    // All of it again, differently cut.
    apply_all(&pair.other_store, &log, 11).await;
    pair.assert_equal().await;

    // A former owner has read and folded, its batches hang; its successor continues; then they arrive.
    let proxy = Proxy::start().await;
    let zombie = through(&proxy, &pair.other).await;
    let begin = log.len();
    log.extend(log_of(1));
    apply_from(&pair.clean_store, &log, begin).await;
    for (from, late_to, to) in [(0, 3, 4), (4, 5, 6)] {
        let late = fold(&zombie, &log, begin + from, begin + late_to).await.expect("folded");
        proxy.set(Gate::Held);
        let late = tokio::spawn({
            let zombie = zombie.clone();
            async move { zombie.save(Arc::new(late)).await }
        });
        proxy.until_waiting(1).await;
        apply(&pair.other_store, &log, begin + from, begin + to).await.expect("applied");
        proxy.set(Gate::Open);
        late.await.expect("ran").expect("lost, silently");
    }
    apply(&pair.other_store, &log, begin + 6, log.len()).await.expect("applied");
    pair.assert_equal().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_save_broken_off_anywhere_is_mended_by_the_redelivery() {
    let pair = Pair::new().await;
    let proxy = Proxy::start().await;
    let (mut log, mut broken_off) = (Vec::new(), 0);
    for passes in 0..MOST_BATCHES {
        let begin = log.len();
        log.extend(log_of(1));
        apply_from(&pair.clean_store, &log, begin).await;
        proxy.set(Gate::Open);
        let dying = through(&proxy, &pair.other).await;
        apply(&dying, &log, begin, begin + 2).await.expect("applied");
        proxy.set(Gate::Passes(passes));
        let saved = apply(&dying, &log, begin + 2, begin + 6).await;
        let is_whole = !proxy.has_cut();
        assert_eq!(saved.is_ok(), is_whole, "after {passes} batches: {saved:?}");
        drop(dying);
        // The next owner reads again from the last commit, in batches of its own.
        for (from, to) in [(begin, begin + 3), (begin + 3, begin + 5), (begin + 5, log.len())] {
            apply(&pair.other_store, &log, from, to).await.expect("applied");
        }
        if is_whole {
            break;
        }
        broken_off += 1;
    }
    assert!(0 < broken_off && broken_off < MOST_BATCHES, "broken off after each of {broken_off} batches");
    pair.assert_equal().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_table_is_looked_at() {
    let pair = Pair::new().await;
    let log = log_of(2);
    apply_all(&pair.clean_store, &log, 3).await;
    apply_all(&pair.other_store, &log, 3).await;
    pair.assert_equal().await;
    let session = crate::support::session().await;
    let other = &pair.other.name;
    let (team, run) = (log[0].key().team.to_string(), log[0].key().run.to_string());
    let of_run = format!("team = '{team}' AND run = '{run}'");

    // Cells: changed at a later timestamp.
    let first = |table: &str, columns: &str| {
        let (session, text) = (&session, format!("SELECT {columns} FROM {other}.{table} LIMIT 1"));
        async move {
            let rows = session.query_unpaged(text, ()).await.expect("read").into_rows_result().expect("rows");
            rows.first_row::<scylla::value::Row>().expect("a row").columns
        }
    };
    let as_literal = |value: &Option<scylla::value::CqlValue>| match value.as_ref().expect("a key") {
        scylla::value::CqlValue::Text(text) => format!("'{text}'"),
        scylla::value::CqlValue::Timestamp(at) => at.0.to_string(),
        scylla::value::CqlValue::Date(day) => day.0.to_string(),
        scylla::value::CqlValue::TinyInt(number) => number.to_string(),
        scylla::value::CqlValue::BigInt(number) => number.to_string(),
        other => panic!("no key of ours: {other:?}"),
    };
    let mut expected = 0;
    for (table, key, cell) in [
        ("runs", "team, run", Some("summary = '{}'")),
        ("runs", "team, run, event", Some("body = '{}'")),
        ("run_listing", "team, facet, label, day, bucket, started_at, run", Some("line = '{}'")),
        ("run_usage", "team, month, bucket, run", Some("units = 77")),
        ("run_repeats", "team, month, bucket, agent, run", Some("repeats = 77")),
        ("run_agents", "team, slug", Some("last_seen = 1")),
        ("event_owners", "team, born_minute, event, run", None),
        ("run_days", "team, facet, label, day, bucket", None),
        ("unpriced_models", "team, month, provider, model", None),
    ] {
        let values = first(table, key).await;
        let key: Vec<String> =
            key.split(", ").zip(&values).map(|(column, value)| format!("{column} = {}", as_literal(value))).collect();
        let key = key.join(" AND ");
        let text = match cell {
            Some(cell) => format!("UPDATE {other}.{table} SET {cell} WHERE {key}"),
            None => format!("DELETE FROM {other}.{table} WHERE {key}"),
        };
        session.query_unpaged(text.clone(), ()).await.unwrap_or_else(|error| panic!("{text}: {error}"));
        let before = expected;
        let comparison = pair.compare().await;
        expected = comparison.tables.iter().map(|table| table.differences).sum();
        assert!(expected > before, "{text}: {comparison:#?}");
        let column = cell.and_then(|cell| cell.split(' ').next());
        let named = |difference: &&compare::Difference| {
            difference.table.split(',').next() == Some(table) && difference.column == column
        };
        let difference = comparison.first.iter().find(named).unwrap_or_else(|| panic!("{text}: {comparison:#?}"));
        assert!(difference.key.contains("team="), "{difference:?}");
        assert!(difference.one.is_some(), "{difference:?}");
        assert_ne!(difference.one, difference.other);
    }

    // The write timestamp of a summary alone, and a run that one side lacks.
    let text = format!("UPDATE {other}.runs USING TIMESTAMP 999999999999999 SET position = ? WHERE {of_run}");
    let position = session
        .query_unpaged(format!("SELECT DISTINCT position FROM {other}.runs WHERE {of_run}"), ())
        .await
        .expect("read")
        .into_rows_result()
        .expect("rows")
        .first_row::<(i64,)>()
        .expect("a row");
    session.query_unpaged(text, position).await.expect("written");
    let comparison = pair.compare().await;
    let timestamps = |difference: &&compare::Difference| difference.column == Some("WRITETIME(position)");
    assert!(comparison.first.iter().any(|difference| timestamps(&difference)), "{comparison:#?}");
    session.query_unpaged(format!("DELETE FROM {other}.runs WHERE {of_run}"), ()).await.expect("deleted");
    let comparison = pair.compare().await;
    let runs = &comparison.tables[0];
    assert_eq!((runs.table, runs.rows_one, runs.rows_other), ("runs", 2, 1));
    assert!(comparison.first.iter().any(|one| one.column.is_none() && one.other.is_none() && one.key.contains(&run)));
}
