//! How fast the store takes what the persister gives it: `cargo run --release --example store_bench`.
//!
//! Each round loads a batch of runs, folds one record onto each, and saves the batch, as the persister does. It
//! prints wall and CPU time; the CPU figure is of the whole process, checkpoints and folding included.
#![expect(clippy::print_stdout, reason = "a program that prints its figures")]

use std::time::Instant;

use tidegate_agentping::{Event, Id, Record, RunKey, Start, TeamId};
use tidegate_agentping_testkit::{EventWith as _, StartWith as _, event, fresh_at, persist, record, start};
use tidegate_kernel::{Position, Region, Timestamp};
use tidegate_sqlite::{DataFolder, EmbeddedRegistry, EmbeddedStore};

const ROUNDS: usize = 200;
const RUNS_PER_ROUND: usize = 500;
const EVENT_ROUNDS: usize = 200;
const BATCHES_PER_ROUND: usize = 50;
const EVENTS_PER_BATCH: usize = 50;

#[tokio::main]
async fn main() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = DataFolder::open_or_create(place.path(), Region::Eu, 4, Timestamp::from_millis(0)).expect("ours");
    let registry = EmbeddedRegistry::open(&folder).expect("registry");
    let store = EmbeddedStore::open(&folder.own().expect("owned"), registry).expect("store");
    let teams: Vec<TeamId> = (0..10).map(mint).collect();
    let mut keys = Vec::new();

    let mut clock = Figures::start();
    for round in 0..ROUNDS {
        let records = (0..RUNS_PER_ROUND).map(|n| {
            let now = at(round * RUNS_PER_ROUND + n);
            let key = RunKey { team: teams[n % teams.len()], run: mint(now.as_millis()) };
            keys.push(key);
            record(key, now, opening(n, now))
        });
        let records: Vec<Record> = records.collect();
        clock.begin();
        take(&store, records, round).await;
        clock.end();
    }
    clock.print("new runs, one record each", ROUNDS * RUNS_PER_ROUND);

    let mut clock = Figures::start();
    for round in 0..EVENT_ROUNDS {
        let records = (0..BATCHES_PER_ROUND).map(|n| {
            let now = at(round * BATCHES_PER_ROUND + n);
            let key = keys[(round * BATCHES_PER_ROUND + n) * 7 % keys.len()];
            let events: Vec<Event> = (0..EVENTS_PER_BATCH).map(|_| tool_call(now)).collect();
            record(key, now, events)
        });
        let records: Vec<Record> = records.collect();
        clock.begin();
        take(&store, records, ROUNDS + round).await;
        clock.end();
    }
    clock.print("events, 50 a record", EVENT_ROUNDS * BATCHES_PER_ROUND * EVENTS_PER_BATCH);
    let bytes = |name: &str| place.path().join(name).metadata().map_or(0, |metadata| metadata.len());
    println!("store.db {} MiB, its WAL {} MiB", bytes("store.db") >> 20, bytes("store.db-wal") >> 20);
}

/// One batch of the persister: so many rounds came before it.
async fn take(store: &EmbeddedStore, records: Vec<Record>, round: usize) {
    let at = |n: usize| Position { generation: 1, partition: 0, offset: (round * RUNS_PER_ROUND + n) as i64 };
    persist(store, records.into_iter().enumerate().map(|(n, record)| (at(n), record))).await.expect("saved");
}

fn opening(n: usize, now: Timestamp) -> Start {
    let labelled = start(&format!("agent-{}", n % 20)).customer(&format!("customer-{}", n % 100)).feature("triage");
    labelled.at(now).metadata(r#"{"release":"2026.5.1","host":"worker-17"}"#)
}

fn tool_call(now: Timestamp) -> Event {
    let data = r#"{"tool":"search","input":{"query":"where is my order 1234567"},"output":{"hits":3,"best":"The parcel left the depot yesterday and arrives tomorrow before noon."},"duration_ms":312,"status":"ok"}"#;
    let event = event(mint(now.as_millis())).at(now).kind("tool_call").data(data);
    Event { turn: Some(1), ..event.hash(now.as_millis().cast_unsigned()) }
}

fn mint<K: tidegate_agentping::id::IdKind>(millis: i64) -> Id<K> {
    fresh_at(Timestamp::from_millis(millis))
}

/// A thousand records a second of client time.
fn at(n: usize) -> Timestamp {
    Timestamp::from_millis(1_778_846_400_000 + n as i64)
}

/// Wall time of what is between a beginning and its end, and the process's CPU time of the same.
struct Figures {
    wall_s: f64,
    cpu_s: f64,
    since: (Instant, f64),
}

impl Figures {
    fn start() -> Self {
        Figures { wall_s: 0.0, cpu_s: 0.0, since: (Instant::now(), cpu_s()) }
    }

    /// The measured part begins.
    fn begin(&mut self) {
        self.since = (Instant::now(), cpu_s());
    }

    fn end(&mut self) {
        self.wall_s += self.since.0.elapsed().as_secs_f64();
        self.cpu_s += cpu_s() - self.since.1;
    }

    fn print(&self, what: &str, count: usize) {
        let each = |seconds: f64| seconds * 1e6 / count as f64;
        println!(
            "{what}: {:.0}/s, {:.2} us of wall and {:.2} us of CPU each",
            count as f64 / self.wall_s,
            each(self.wall_s),
            each(self.cpu_s)
        );
    }
}

/// CPU seconds of this process so far, all threads, by the kernel's count of ticks (a hundredth of a second).
fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |n: usize| fields.get(n).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}
