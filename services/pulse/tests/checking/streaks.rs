//! Failures in a row: an incident opens and resolves once, whatever is judged again.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tidegate_agentping::{HeartbeatStatus, RunKey};
use tidegate_agentping_checks::CheckOutcome::{self, Error, Fail, Pass, Skipped};
use tidegate_agentping_inproc::registry::MemoryRegistry;
use tidegate_agentping_testkit::{NOON, heartbeat, json, record, run_id, slug, team};
use tidegate_agentping_verdicts::JudgedDoc;
use tidegate_inproc::documents::MemoryDocuments;
use tidegate_kernel::Usd;
use tidegate_mirror::Mirror;
use tidegate_ports::{Clock, DocumentWrite, Documents, Expected, FailureCause, Rows, StoreError};
use tidegate_pulse::checks::{CheckEdge, CheckEvent, Streak, take_all};
use tidegate_pulse::counting::{CountingPorts, CountingRole, Findings};
use tidegate_pulse::spend::SpendAlert;

use crate::world::World;

fn event(second: i64, alert_after: u16, outcome: CheckOutcome) -> CheckEvent {
    CheckEvent {
        team: team(1),
        agent: slug("daily"),
        run: RunKey { team: team(1), run: run_id(second as u128) },
        check: "chk_eu_1".into(),
        check_name: "short".into(),
        alert_after,
        ended_at: NOON.plus_millis(second * 1_000),
        outcome,
    }
}

/// What becomes of the incident with each outcome: `+` it opens, `-` it resolves, `.` nothing.
fn told(alert_after: u16, outcomes: &[CheckOutcome]) -> String {
    let mut streak = Streak::default();
    let mut told = String::new();
    for (second, outcome) in outcomes.iter().enumerate() {
        told.push(match streak.take(&event(second as i64, alert_after, *outcome)) {
            None => '.',
            Some(edge) if edge.is_resolved => '-',
            Some(_) => '+',
        });
    }
    told
}

#[test]
fn an_incident_opens_after_so_many_failures_and_resolves_with_the_next_pass() {
    for (alert_after, outcomes, expected) in [
        (1, &[Fail, Fail, Pass, Pass, Fail] as &[CheckOutcome], "+.-.+"),
        (3, &[Fail, Fail, Pass, Fail, Fail, Fail, Fail, Pass], ".....+.-"),
        (2, &[Fail, Error, Skipped, Fail, Error, Pass], "...+.-"),
        (1, &[Pass, Pass, Error], "..."),
    ] {
        assert_eq!(told(alert_after, outcomes), expected, "{alert_after} {outcomes:?}");
    }
}

#[test]
fn what_is_judged_again_opens_the_same_incident_or_resolves_it() {
    let mut streak = Streak::default();
    let opened = streak.take(&event(1, 1, Fail)).unwrap();
    assert_eq!(streak.take(&event(1, 1, Fail)), None);
    let resolved = streak.take(&event(1, 1, Pass)).unwrap();
    assert_eq!((resolved.is_resolved, &resolved.incident), (true, &opened.incident));
    let mut other = Streak::default();
    assert_eq!(other.take(&event(1, 1, Fail)).unwrap().incident, opened.incident);
    // A run that ended before and is judged late is put in its place.
    let mut late = Streak::default();
    assert_eq!(late.take(&event(2, 2, Fail)), None);
    assert_eq!(late.take(&event(1, 2, Pass)), None);
    assert_eq!(late.take(&event(3, 2, Fail)).unwrap().incident.run, run_id(3));
}

#[tokio::test]
async fn a_streak_is_stored_after_what_it_says_is_told() {
    let world = World::new();
    let events = [event(2, 2, Fail), event(1, 2, Fail)];
    let first = take_all(&*world.rows, &events).await.unwrap();
    assert_eq!(first.edges.len(), 1);
    let again = take_all(&*world.rows, &events).await.unwrap();
    assert_eq!(again.edges, first.edges, "nothing is stored yet");
    again.store(&*world.rows, world.clock.now()).await.unwrap();
    assert_eq!(take_all(&*world.rows, &events).await.unwrap().edges, []);
    let passed = take_all(&*world.rows, &[event(3, 2, Pass)]).await.unwrap();
    assert!(passed.edges[0].is_resolved);
}

/// Keeps what it takes; the first call of each sort fails.
#[derive(Default)]
struct Told {
    spend: Mutex<Vec<Vec<SpendAlert>>>,
    checks: Mutex<Vec<Vec<CheckEdge>>>,
}

fn first_fails<T>(calls: &Mutex<Vec<T>>, call: T) -> Result<(), StoreError> {
    let mut calls = calls.lock().unwrap();
    calls.push(call);
    if calls.len() == 1 { Err(StoreError::Unavailable(FailureCause::timeout("by the test"))) } else { Ok(()) }
}

#[async_trait]
impl Findings for Told {
    async fn spend(&self, alerts: &[SpendAlert]) -> Result<(), StoreError> {
        first_fails(&self.spend, alerts.to_vec())
    }

    async fn checks(&self, edges: &[CheckEdge]) -> Result<(), StoreError> {
        first_fails(&self.checks, edges.to_vec())
    }
}

/// The part as a whole: what could not be told is told by the next turn, and once.
#[tokio::test]
async fn the_part_tells_everything_once_also_after_a_failure() {
    let mut world = World::new();
    let documents = Arc::new(MemoryDocuments::new(world.clock.clone()));
    let check = serde_json::json!({"name": "short", "type": "length", "unit": "characters", "max": 3});
    let doc =
        tidegate_agentping_checks::CheckDoc::parse("daily", &check, tidegate_agentping::Plan::Team, NOON).unwrap();
    let write = DocumentWrite {
        kind: tidegate_agentping_settings::kinds::CHECK.into(),
        name: tidegate_agentping_checks::CheckId::from_bits(tidegate_kernel::Region::Eu, 1).to_string().into(),
        expected: Expected::Absent,
        doc: Some(serde_json::to_vec(&doc).unwrap()),
        ends_at: None,
    };
    documents.write(&team(1).to_string(), &[write], NOON).await.unwrap();
    let settings = Mirror::read(documents.clone(), world.clock.clone()).await.unwrap();
    let (runs, accounts) = (Arc::new(world.runs.clone()), Arc::new(world.accounts.clone()));
    let ports = CountingPorts {
        feed: runs.clone(),
        accounts,
        queries: runs,
        registry: Arc::new(MemoryRegistry::default()),
        rows: world.rows.clone(),
        settings,
        clock: world.clock.clone(),
    };
    let told = Arc::new(Told::default());
    let mut role = CountingRole::new(ports, told.clone());
    role.turn().await.unwrap();
    world.clock.advance_ms(10_000);
    // Eight days of ten dollars, and one of five hundred.
    for (number, usd) in ["10", "10", "10", "10", "10", "10", "10", "500"].into_iter().enumerate() {
        let mut beat = heartbeat("daily", HeartbeatStatus::Ok);
        beat.cost = Some(Usd::parse(usd).unwrap());
        beat.output = Some(json(r#""four""#));
        let key = RunKey { team: team(1), run: run_id(number as u128) };
        world.take(record(key, world.clock.now(), beat)).await;
        for _ in 0..3 {
            world.clock.advance_ms(40_000);
            let judged = JudgedDoc { until: world.clock.now() }.row();
            world.rows.put(Arc::new(vec![judged]), world.clock.now()).await.unwrap();
            let _ = role.turn().await;
        }
        world.clock.advance_ms(86_400_000 - 120_000);
    }
    let spend = told.spend.lock().unwrap();
    assert_eq!((spend.len(), spend[1].len()), (2, 1), "{spend:?}");
    assert_eq!(spend[0][0].key(), spend[1][0].key());
    let checks = told.checks.lock().unwrap();
    assert_eq!(checks.len(), 2, "{checks:?}");
    assert_eq!((checks[0][0].incident.id, checks[1][0].incident.run), (checks[1][0].incident.id, run_id(0)));
}
