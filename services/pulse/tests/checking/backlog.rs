//! Many runs that are due at once: their checks are judged over several rounds, and sums are counted in between. Guard
//! decides by these, and does not answer by sums that are five minutes old.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use tidegate_agentping::{FinishStatus, Plan, RunKey};
use tidegate_agentping_alerts::{AlertOutbox, Naming};
use tidegate_agentping_checks::{CheckDoc, CheckId, CheckOutcome};
use tidegate_agentping_settings::{TeamSettings, kinds};
use tidegate_agentping_testkit::{FinishWith as _, NOON, StartWith as _, finish, record, run_id, slug, start, team};
use tidegate_agentping_verdicts::check_track_key;
use tidegate_inproc::clock::TestClock;
use tidegate_inproc::documents::MemoryDocuments;
use tidegate_kernel::{Region, Timestamp};
use tidegate_mirror::Mirror;
use tidegate_ports::{Clock, DocumentWrite, Documents, Expected, KeptRow, RowKey, RowScan, RowWrite, Rows, StoreError};
use tidegate_pulse::checks::{CheckAlerts, CheckEvent, CheckRunner};

use crate::world::{BreakingRows, World};

/// With a write for each, these take 400 s.
const RUNS: u128 = 1_000;
const WRITE_MS: i64 = 400;

/// Rows of which each write takes a while.
struct SlowRows {
    rows: Arc<BreakingRows>,
    clock: Arc<TestClock>,
}

/// A team with a check of the agent `daily`.
struct Backlog {
    world: World,
    rows: Arc<SlowRows>,
    settings: Mirror<TeamSettings>,
}

fn check() -> String {
    CheckId::from_bits(Region::Eu, 1).to_string()
}

fn run(number: u128) -> RunKey {
    RunKey { team: team(1), run: run_id(number) }
}

impl Backlog {
    async fn new() -> Self {
        let world = World::new();
        let members = json!({"name": "short", "type": "length", "unit": "characters", "max": 3});
        let doc = CheckDoc::parse("daily", &members, Plan::Team, NOON).unwrap();
        let write = DocumentWrite {
            kind: kinds::CHECK.into(),
            name: check().into(),
            expected: Expected::Absent,
            doc: Some(serde_json::to_vec(&doc).unwrap()),
            ends_at: None,
        };
        let documents = Arc::new(MemoryDocuments::new(world.clock.clone()));
        documents.write(&team(1).to_string(), &[write], NOON).await.unwrap();
        let settings = Mirror::read(documents, world.clock.clone()).await.unwrap();
        let rows = Arc::new(SlowRows { rows: world.rows.clone(), clock: world.clock.clone() });
        Backlog { world, rows, settings }
    }
}

/// Each run is judged once, the one that ended first before the others.
#[tokio::test]
async fn sums_are_counted_while_a_backlog_of_checks_is_judged() {
    let Backlog { mut world, rows, settings } = Backlog::new().await;
    for number in 0..RUNS {
        world.clock.advance_ms(1);
        let (key, now) = (run(number), world.clock.now());
        world.take(record(key, now, start("daily").at(now))).await;
        world.take(record(key, now, finish(FinishStatus::Success).at(now).output(r#""four""#))).await;
    }
    // Long enough that no run is judged a second time.
    world.clock.advance_ms(3_600_000);
    let (runs, accounts) = (Arc::new(world.runs.clone()), Arc::new(world.accounts.clone()));
    let mut checks = CheckRunner::new(runs.clone(), accounts, runs, rows, settings, world.clock.clone());
    let (mut sums, mut judged) = (world.keeper(), Vec::new());
    loop {
        let as_of = world.clock.now();
        sums.round(as_of).await.unwrap();
        assert_eq!(world.cursor().await.unwrap().as_of, Some(as_of));
        let round = checks.round(as_of).await.unwrap();
        judged.extend(round.events.iter().map(|event| event.run));
        checks.taken(as_of).await.unwrap();
        let took_ms = world.clock.now().millis_since(as_of);
        assert!(took_ms <= 2_000, "a round took {took_ms} ms and judged {}", round.judged);
        if checks.is_done() {
            break;
        }
    }
    assert_eq!(judged, (0..RUNS).map(run).collect::<Vec<_>>());
    assert_eq!(checks.waiting(), 0);
}

#[tokio::test]
async fn many_results_are_taken_in_by_several_calls() {
    const RESULTS: u128 = 100;
    let Backlog { world, rows, settings } = Backlog::new().await;
    let outbox = AlertOutbox::new(rows.clone(), settings.clone(), world.clock.clone(), Naming::none());
    let mut alerts = CheckAlerts::new(rows, outbox, settings, world.clock.clone());
    let event = |number: u128| CheckEvent {
        team: team(1),
        agent: slug("daily"),
        run: run(number),
        check: check().into(),
        check_name: "short".into(),
        alert_after: 1,
        ended_at: NOON.plus_millis(number as i64),
        outcome: CheckOutcome::Fail,
    };
    let mut left: Vec<CheckEvent> = (0..RESULTS).map(event).collect();
    let mut calls = 0;
    while !left.is_empty() {
        let before = left.len();
        alerts.take(&mut left).await.unwrap();
        assert!(left.len() < before);
        calls += 1;
    }
    // Each result is a write at least, and three of these take a second.
    assert!(calls >= 34, "{calls}");
    let key = check_track_key(team(1), &check());
    let kept = world.rows.get(&[key]).await.unwrap().remove(0).unwrap();
    let kept: Value = serde_json::from_slice(&kept).unwrap();
    assert_eq!(kept["last"]["run"], run_id(RESULTS - 1).to_string());
}

#[async_trait]
impl Rows for SlowRows {
    async fn put(&self, rows: Arc<Vec<RowWrite>>, now: Timestamp) -> Result<(), StoreError> {
        self.clock.advance_ms(WRITE_MS);
        self.rows.put(rows, now).await
    }

    async fn insert(&self, rows: Arc<Vec<RowWrite>>, now: Timestamp) -> Result<Vec<bool>, StoreError> {
        self.clock.advance_ms(WRITE_MS);
        self.rows.insert(rows, now).await
    }

    async fn get(&self, keys: &[RowKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.rows.get(keys).await
    }

    async fn scan(&self, scan: &RowScan) -> Result<Vec<KeptRow>, StoreError> {
        self.rows.scan(scan).await
    }

    async fn purge_rows(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.rows.purge_rows(now, limit).await
    }
}
