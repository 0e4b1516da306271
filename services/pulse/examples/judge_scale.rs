//! What the judge costs: so many agents with minutely schedules, of which half report and half are silent, over some
//! minutes. Prints the processor time and the calls of the store per slot.
//!
//! `cargo run --release -p tidegate-pulse --example judge_scale -- 100000 5`
#![allow(clippy::unwrap_used, reason = "a measurement ends where it cannot go on")]

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use tidegate_agentping::{HeartbeatStatus, Slug, TeamId};
use tidegate_agentping_inproc::runs::MemoryRuns;
use tidegate_agentping_pulse::Definition;
use tidegate_agentping_settings::{ScheduleDoc, kinds};
use tidegate_agentping_testkit::{heartbeat, persist, record, run_id};
use tidegate_inproc::accounts::MemoryAccounts;
use tidegate_inproc::clock::TestClock;
use tidegate_inproc::dead_letters::MemoryDeadLetters;
use tidegate_inproc::documents::MemoryDocuments;
use tidegate_inproc::log::{MemoryLog, MemoryLogOptions};
use tidegate_inproc::rows::MemoryRows;
use tidegate_kernel::{Position, Region, Timestamp};
use tidegate_mirror::Mirror;
use tidegate_ports::{
    Account, Accounts, Append, Clock, DocumentWrite, Documents, Expected, Fate, KeptRow, RowKey, RowScan, RowWrite,
    Rows, StoreError,
};
use tidegate_pulse::judge::{Judge, JudgeOptions, JudgePorts, NoRoutes, SeenAgents};

const AGENTS_OF_A_TEAM: usize = 400;
const MINUTE_MS: i64 = 60_000;

/// Counts the calls of the store, and the rows that are written.
struct CountedRows {
    rows: MemoryRows,
    reads: AtomicU64,
    writes: AtomicU64,
    written: AtomicU64,
}

#[async_trait]
impl Rows for CountedRows {
    async fn put(&self, rows: Arc<Vec<RowWrite>>, now: Timestamp) -> Result<(), StoreError> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.written.fetch_add(rows.len() as u64, Ordering::Relaxed);
        self.rows.put(rows, now).await
    }

    async fn insert(&self, rows: Arc<Vec<RowWrite>>, now: Timestamp) -> Result<Vec<bool>, StoreError> {
        self.rows.insert(rows, now).await
    }

    async fn get(&self, keys: &[RowKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.rows.get(keys).await
    }

    async fn scan(&self, scan: &RowScan) -> Result<Vec<KeptRow>, StoreError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.rows.scan(scan).await
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

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<usize>().unwrap());
    let (agents, minutes) = (arguments.next().unwrap_or(100_000), arguments.next().unwrap_or(5) as i64);
    let begin = Timestamp::parse("2026-05-15T12:00:30Z").unwrap();
    let clock = Arc::new(TestClock::at(begin));
    let documents = Arc::new(MemoryDocuments::new(clock.clone()));
    let minutely = Definition::parse(serde_json::json!({"cron": "* * * * *", "tolerance_s": 60}).as_object().unwrap());
    let mut schedule = ScheduleDoc::default();
    schedule.set(begin.plus_millis(-MINUTE_MS), Some(minutely.unwrap()));
    let schedule = serde_json::to_vec(&schedule).unwrap();
    let team = |agent: usize| TeamId::from_bits(Region::Eu, (agent / AGENTS_OF_A_TEAM) as u128 + 1);
    let slug = |agent: usize| Slug::parse(&format!("agent-{agent}")).unwrap();
    let all: Vec<usize> = (0..agents).collect();
    for of_team in all.chunks(AGENTS_OF_A_TEAM) {
        let write = |agent: &usize| DocumentWrite {
            kind: kinds::SCHEDULE.into(),
            name: slug(*agent).as_str().into(),
            expected: Expected::Anything,
            doc: Some(schedule.clone()),
            ends_at: None,
        };
        let writes: Vec<DocumentWrite> = of_team.iter().map(write).collect();
        documents.write(&team(of_team[0]).to_string(), &writes, clock.now()).await.unwrap();
    }
    let log = MemoryLog::new(MemoryLogOptions { partitions: 1, ..Default::default() }, clock.clone());
    let (runs, accounts) = (MemoryRuns::default(), MemoryAccounts::default());
    let rows = Arc::new(CountedRows {
        rows: MemoryRows::new(clock.clone()),
        reads: AtomicU64::new(0),
        writes: AtomicU64::new(0),
        written: AtomicU64::new(0),
    });
    let seen = all.iter().map(|agent| (team(*agent), slug(*agent), begin.plus_millis(-MINUTE_MS))).collect();
    let ports = JudgePorts {
        lag: Arc::new(log.lag("persister")),
        accounts: Arc::new(accounts.clone()),
        feed: Arc::new(runs.clone()),
        dead_letters: Arc::new(MemoryDeadLetters::default()),
        settings: Mirror::read(documents, clock.clone()).await.unwrap(),
        rows: rows.clone(),
        seen: Arc::new(Seen(seen)),
        outbox: Arc::new(NoRoutes),
        routes: Arc::new(NoRoutes),
        clock: clock.clone(),
    };
    let mut judge = Judge::start(ports, JudgeOptions::default()).await.unwrap();
    let mut account = Account::opened(1, 0, 0);
    let (mut next, mut took_ms) = (0_u128, 0);
    rows.reads.store(0, Ordering::Relaxed);
    for minute in 1..=minutes {
        clock.set(begin.plus_millis(minute * MINUTE_MS));
        let mut records = Vec::new();
        for agent in all.iter().step_by(2) {
            next += 1;
            let key = tidegate_agentping::RunKey { team: team(*agent), run: run_id(next) };
            let beat = record(key, clock.now(), heartbeat(slug(*agent).as_str(), HeartbeatStatus::Ok));
            log.append(key.log_key(), beat.encode().into()).await.unwrap();
            records.push((Position { generation: 1, partition: 0, offset: account.next_offset }, beat));
            account.count(account.next_offset, Fate::Stored);
        }
        persist(&runs, records).await.unwrap();
        accounts.settle(account).await.unwrap();
        let before = processor_ms();
        // As a judge that has a turn every second of the minute.
        for second in 0..60 {
            clock.set(begin.plus_millis(minute * MINUTE_MS + second * 1_000));
            judge.turn().await.unwrap();
        }
        took_ms += processor_ms() - before;
    }
    let slots = agents as f64 * minutes as f64;
    let counted = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let (reads, writes, written) = (counted(&rows.reads), counted(&rows.writes), counted(&rows.written));
    let mut output = std::io::stdout().lock();
    writeln!(
        output,
        "{agents} agents, {minutes} minutes: {took_ms} ms of processor time, {:.1} µs a slot; {reads} reads of rows \
         ({:.6} a slot), {writes} writes of {written} rows ({:.2} a slot)",
        took_ms as f64 * 1_000.0 / slots,
        reads as f64 / slots,
        written as f64 / slots,
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
