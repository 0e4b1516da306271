//! What the judge costs: so many agents with minutely schedules, of which half report and half are silent, over some
//! minutes, with one webhook route for each team. The rows are in memory, in SQLite, or on CQL at `TIDEGATE_TEST_CQL`
//! in a keyspace that is dropped afterwards. The feed and the settings are in memory, and nothing is sent. Prints how
//! long a minute of slots takes to be judged, the processor time of this process, the calls of the store, and the
//! messages.
//!
//! `cargo run --release -p tidegate --example judge_scale -- 100000 5 memory|sqlite|cql`
#![allow(clippy::unwrap_used, reason = "a measurement ends where it cannot go on")]

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use scylla::client::session_builder::SessionBuilder;
use serde_json::{Value, json};
use tidegate_agentping::{HeartbeatStatus, RunKey, Slug, TeamId};
use tidegate_agentping_alerts::outbox::read;
use tidegate_agentping_alerts::rows::{OUTBOX, SHARDS, bucket_of, outbox_shard};
use tidegate_agentping_alerts::{AlertOutbox, DeliveryDoc, Naming, Outstanding};
use tidegate_agentping_inproc::runs::MemoryRuns;
use tidegate_agentping_settings::{RouteId, TeamSettings, kinds};
use tidegate_agentping_testkit::{heartbeat, persist, record, run_id};
use tidegate_inproc::accounts::MemoryAccounts;
use tidegate_inproc::clock::TestClock;
use tidegate_inproc::dead_letters::MemoryDeadLetters;
use tidegate_inproc::documents::MemoryDocuments;
use tidegate_inproc::log::{MemoryLog, MemoryLogOptions};
use tidegate_inproc::rows::MemoryRows;
use tidegate_kernel::{Position, Region, SmolStr, Timestamp};
use tidegate_mirror::Mirror;
use tidegate_ports::{
    Account, Accounts, Append, Clock, DocumentWrite, Documents, Expected, Fate, KeptRow, RowKey, RowScan, RowWrite,
    Rows, ScanOrder, StoreError,
};
use tidegate_pulse::judge::{Judge, JudgeOptions, JudgePorts, SeenAgents};
use tidegate_pulse::sending::SettingsRoutes;
use tidegate_scylla::{Cql, Replication, ScyllaOptions, ScyllaSettings, agentping, migrations};
use tidegate_sqlite::{DataFolder, EmbeddedRows};

const AGENTS_OF_A_TEAM: usize = 400;
const MINUTE_MS: i64 = 60_000;
/// Of a node that is busy with what is measured.
const PATIENCE: Duration = Duration::from_secs(120);
/// Failures that are borne: what failed is done again, as in production.
const MOST_FAILED: u32 = 100;

/// Calls of the store, and the rows that they read or write.
#[derive(Default)]
struct Calls {
    calls: AtomicU64,
    rows: AtomicU64,
}

impl Calls {
    fn count(&self, rows: usize) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
    }

    fn shown(&self, slots: f64) -> String {
        let (calls, rows) = (self.calls.load(Ordering::Relaxed), self.rows.load(Ordering::Relaxed));
        let (calls_a_slot, rows_a_slot) = (calls as f64 / slots, rows as f64 / slots);
        format!("{calls} ({calls_a_slot:.6} a slot) of {rows} rows ({rows_a_slot:.2} a slot)")
    }
}

/// Counts the calls of the store.
struct CountedRows {
    rows: Arc<dyn Rows>,
    reads: Calls,
    writes: Calls,
}

#[async_trait]
impl Rows for CountedRows {
    async fn put(&self, rows: Arc<Vec<RowWrite>>, now: Timestamp) -> Result<(), StoreError> {
        self.writes.count(rows.len());
        self.rows.put(rows, now).await
    }

    async fn insert(&self, rows: Arc<Vec<RowWrite>>, now: Timestamp) -> Result<Vec<bool>, StoreError> {
        self.writes.count(rows.len());
        self.rows.insert(rows, now).await
    }

    async fn get(&self, keys: &[RowKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.reads.count(keys.len());
        self.rows.get(keys).await
    }

    async fn scan(&self, scan: &RowScan) -> Result<Vec<KeptRow>, StoreError> {
        let found = self.rows.scan(scan).await?;
        self.reads.count(found.len());
        Ok(found)
    }

    async fn purge_rows(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.rows.purge_rows(now, limit).await
    }
}

struct Seen(Vec<(TeamId, Slug, Timestamp)>);

#[async_trait]
impl SeenAgents for Seen {
    async fn seen(&self) -> Result<Vec<(TeamId, Slug, Timestamp)>, StoreError> {
        Ok(self.0.clone())
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |at: usize, usual: usize| arguments.get(at).map_or(usual, |text| text.parse().unwrap());
    let (agents, minutes) = (number(1, 100_000), number(2, 5) as i64);
    let kind = arguments.get(3).map_or("memory", String::as_str);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let measured = catch_unwind(AssertUnwindSafe(|| runtime.block_on(measure(agents, minutes, kind))));
    if kind == "cql" {
        runtime.block_on(drop_keyspace());
    }
    if let Err(panic) = measured {
        resume_unwind(panic);
    }
}

fn cql_options() -> ScyllaOptions {
    let node = std::env::var_os("TIDEGATE_TEST_CQL").and_then(|node| node.into_string().ok());
    ScyllaOptions {
        nodes: vec![node.unwrap_or_else(|| "127.0.0.1:19042".to_owned())],
        keyspace: format!("judge_scale_{}", std::process::id()),
        connect_timeout: PATIENCE,
        request_timeout: PATIENCE,
        ..ScyllaOptions::default()
    }
}

async fn drop_keyspace() {
    let ScyllaOptions { nodes, keyspace, .. } = cql_options();
    let builder = SessionBuilder::new().known_nodes(nodes).connection_timeout(PATIENCE).fetch_schema_metadata(false);
    let session = builder.build().await.unwrap();
    let dropped = session.query_unpaged(format!("DROP KEYSPACE IF EXISTS {keyspace}"), ()).await;
    assert!(dropped.is_ok(), "keyspace {keyspace} is left: {dropped:?}");
}

async fn store(kind: &str, place: &Path, clock: Arc<TestClock>) -> Arc<dyn Rows> {
    match kind {
        "memory" => Arc::new(MemoryRows::new(clock)),
        "sqlite" => {
            let folder = DataFolder::open_or_create(&place.join("data"), Region::Eu, 1, clock.now()).unwrap();
            Arc::new(EmbeddedRows::open(&folder.own().unwrap(), clock).unwrap())
        }
        "cql" => {
            migrations::apply(&cql_options(), &Replication::Simple(1), &agentping::SCHEMA).await.unwrap();
            Arc::new(ScyllaSettings::new(Cql::connect(&cql_options(), &agentping::SCHEMA).await.unwrap(), clock))
        }
        _ => panic!("rows are in memory, sqlite or cql, not in '{kind}'"),
    }
}

/// Openings of this minute that wait for others: what the sender groups.
async fn staged(rows: &dyn Rows, from: Timestamp) -> Vec<DeliveryDoc> {
    let mut found = Vec::new();
    let after = Some(SmolStr::from(format!("{:014}", from.as_millis())));
    for shard in 0..SHARDS {
        for bucket in bucket_of(from)..=bucket_of(from.plus_millis(MINUTE_MS)) {
            let (shard, after, order) = (outbox_shard(shard, bucket), after.clone(), ScanOrder::Ascending);
            let scan = RowScan { table: &OUTBOX, shard, after, order, limit: 1_000_000 };
            for row in rows.scan(&scan).await.unwrap() {
                if let Outstanding::Staged(doc) = read(&row.doc).unwrap() {
                    found.push(*doc);
                }
            }
        }
    }
    found
}

fn count_failed(failed: &mut u32, error: &str) {
    *failed += 1;
    assert!(*failed <= MOST_FAILED, "{failed} failures: {error}");
}

async fn measure(agents: usize, minutes: i64, kind: &str) {
    let begin = Timestamp::parse("2026-05-15T12:00:30Z").unwrap();
    let clock = Arc::new(TestClock::at(begin));
    let documents = Arc::new(MemoryDocuments::new(clock.clone()));
    let scheduled_at = begin.plus_millis(-MINUTE_MS);
    let minutely = json!({"cron": "* * * * *", "tolerance_s": 60});
    let schedule = json!({"changes": [{"from_ms": scheduled_at.as_millis(), "set": minutely}]});
    let route = json!({
        "name": "ops", "kind": "webhook", "url": "https://alerts.example.com/", "enabled": true, "min_severity": "info",
        "min_interval_s": 3_600, "reminders": true, "created_at_ms": scheduled_at.as_millis(),
        "secret": "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    });
    let number = |agent: usize| (agent / AGENTS_OF_A_TEAM) as u128 + 1;
    let team = |agent: usize| TeamId::from_bits(Region::Eu, number(agent));
    let slug = |agent: usize| Slug::parse(&format!("agent-{agent}")).unwrap();
    let write = |kind: &str, name: &str, doc: &Value| DocumentWrite {
        kind: kind.into(),
        name: name.into(),
        expected: Expected::Anything,
        doc: Some(doc.to_string().into_bytes()),
        ends_at: None,
    };
    let all: Vec<usize> = (0..agents).collect();
    for of_team in all.chunks(AGENTS_OF_A_TEAM) {
        let scheduled = of_team.iter().map(|agent| write(kinds::SCHEDULE, slug(*agent).as_str(), &schedule));
        let mut writes: Vec<DocumentWrite> = scheduled.collect();
        let route_id = RouteId::from_bits(Region::Eu, number(of_team[0])).to_string();
        writes.push(write(kinds::ROUTE, &route_id, &route));
        writes.push(write(kinds::TEAM, kinds::WHOLE_TEAM, &json!({"routes": ["ops"]})));
        documents.write(&team(of_team[0]).to_string(), &writes, clock.now()).await.unwrap();
    }
    let log = MemoryLog::new(MemoryLogOptions { partitions: 1, ..Default::default() }, clock.clone());
    let (runs, accounts) = (MemoryRuns::default(), MemoryAccounts::default());
    let place = tempfile::tempdir().unwrap();
    let store = store(kind, place.path(), clock.clone()).await;
    let (reads, writes) = (Calls::default(), Calls::default());
    let rows = Arc::new(CountedRows { rows: store.clone(), reads, writes });
    let settings: Mirror<TeamSettings> = Mirror::read(documents, clock.clone()).await.unwrap();
    let outbox = |rows: Arc<dyn Rows>| AlertOutbox::new(rows, settings.clone(), clock.clone(), Naming::none());
    let seen = all.iter().map(|agent| (team(*agent), slug(*agent), scheduled_at)).collect();
    let ports = JudgePorts {
        lag: Arc::new(log.lag("persister")),
        accounts: Arc::new(accounts.clone()),
        feed: Arc::new(runs.clone()),
        dead_letters: Arc::new(MemoryDeadLetters::default()),
        settings: settings.clone(),
        rows: rows.clone(),
        seen: Arc::new(Seen(seen)),
        outbox: Arc::new(outbox(rows.clone())),
        routes: Arc::new(SettingsRoutes),
        clock: clock.clone(),
    };
    let sender = outbox(store.clone());
    let mut judge = Judge::start(ports, JudgeOptions::default()).await.unwrap();
    let mut account = Account::opened(1, 0, 0);
    let (mut next, mut failed, mut processor) = (0_u128, 0, 0);
    let (mut total, mut longest, mut grouping) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let (mut openings, mut messages) = (0, 0);
    for minute in 1..=minutes {
        let from = begin.plus_millis(minute * MINUTE_MS);
        clock.set(from);
        let mut records = Vec::new();
        for agent in all.iter().step_by(2) {
            next += 1;
            let key = RunKey { team: team(*agent), run: run_id(next) };
            let beat = record(key, clock.now(), heartbeat(slug(*agent).as_str(), HeartbeatStatus::Ok));
            log.append(key.log_key(), beat.encode().into()).await.unwrap();
            records.push((Position { generation: 1, partition: 0, offset: account.next_offset }, beat));
            account.count(account.next_offset, Fate::Stored);
        }
        persist(&runs, records).await.unwrap();
        accounts.settle(account).await.unwrap();
        let (before, began) = (processor_ms(), Instant::now());
        // As a judge that has a turn every second of the minute.
        for second in 0..60 {
            clock.set(from.plus_millis(second * 1_000));
            while let Err(error) = judge.turn().await {
                count_failed(&mut failed, &error.to_string());
            }
        }
        let took = began.elapsed();
        processor += processor_ms() - before;
        (total, longest) = (total + took, longest.max(took));
        let began = Instant::now();
        let mut staged = staged(&*store, from).await;
        staged.sort_by_key(|doc| doc.route.clone());
        openings += staged.len();
        for of_route in staged.chunk_by(|one, other| one.route == other.route) {
            messages += loop {
                match sender.release(of_route.to_vec()).await {
                    Ok(became) => break became.len(),
                    Err(error) => count_failed(&mut failed, &error.to_string()),
                }
            };
        }
        grouping += began.elapsed();
    }
    let slots = agents as f64 * minutes as f64;
    let mut output = std::io::stdout().lock();
    writeln!(
        output,
        "{agents} agents, {minutes} minutes; rows in {kind}, feed and settings in memory; a route for each team of \
         {AGENTS_OF_A_TEAM} agents\n\
         a minute of slots is judged in {:.2} s, in {:.2} s at most (in time: below 60 s); {failed} failures\n\
         {processor} ms of processor time, {:.1} µs a slot\n\
         reads: {}\n\
         writes: {}\n\
         {openings} messages stored, which were grouped into {messages} in {:.2} s; none sent",
        total.as_secs_f64() / minutes as f64,
        longest.as_secs_f64(),
        processor as f64 * 1_000.0 / slots,
        rows.reads.shown(slots),
        rows.writes.shown(slots),
        grouping.as_secs_f64(),
    )
    .unwrap();
}

/// Milliseconds of the processor that this process has used.
fn processor_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    // A tick is 10 ms.
    (ticks(11) + ticks(12)) * 10
}
