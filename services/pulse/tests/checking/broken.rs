//! What is broken for one run, or for one check, stops no other team's checks: it would be so again in each round.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use serde_json::json;
use tidegate_agentping::{FinishStatus, Plan, RunKey, TeamId};
use tidegate_agentping_alerts::{AlertOutbox, Naming};
use tidegate_agentping_checks::{CheckDoc, CheckId, CheckOutcome};
use tidegate_agentping_settings::{TeamSettings, kinds};
use tidegate_agentping_testkit::{
    BeforeRead, FinishWith as _, NOON, RunsRead, StartWith as _, WatchedRuns, finish, record, run_id, slug, start, team,
};
use tidegate_agentping_verdicts::check_track_key;
use tidegate_agentping_verdicts::check_tracks::open_incidents_of_checks;
use tidegate_inproc::documents::MemoryDocuments;
use tidegate_kernel::Region;
use tidegate_mirror::Mirror;
use tidegate_ports::{Clock, DocumentWrite, Documents, Expected, RowWrite, Rows, StoreError};
use tidegate_pulse::checks::{CheckAlerts, CheckEvent, CheckRunner};

use crate::world::World;

/// The team of which something is broken, whose run comes first.
const BROKEN: RunKey = RunKey { team: team(1), run: run_id(1) };
const GOOD: RunKey = RunKey { team: team(2), run: run_id(2) };

fn check() -> String {
    CheckId::from_bits(Region::Eu, 1).to_string()
}

/// Both teams have a check of the agent `daily`.
async fn with_checks() -> (World, Mirror<TeamSettings>) {
    let world = World::new();
    let documents = Arc::new(MemoryDocuments::new(world.clock.clone()));
    let members = json!({"name": "short", "type": "length", "unit": "characters", "max": 3});
    let doc = CheckDoc::parse("daily", &members, Plan::Team, NOON).unwrap();
    for key in [BROKEN, GOOD] {
        let write = DocumentWrite {
            kind: kinds::CHECK.into(),
            name: check().into(),
            expected: Expected::Absent,
            doc: Some(serde_json::to_vec(&doc).unwrap()),
            ends_at: None,
        };
        documents.write(&key.team.to_string(), &[write], NOON).await.unwrap();
    }
    let settings = Mirror::read(documents, world.clock.clone()).await.unwrap();
    (world, settings)
}

/// Runs that cannot be read: one of them now or later, or all of them for now.
#[derive(Default)]
struct OneBroken(Arc<AtomicBool>);

#[async_trait]
impl BeforeRead for OneBroken {
    async fn before(&self, read: RunsRead) -> Result<(), StoreError> {
        match read {
            RunsRead::Run(key) if key == BROKEN || self.0.load(Ordering::SeqCst) => {
                Err(StoreError::Broken("as the test wants".into()))
            }
            _ => Ok(()),
        }
    }
}

/// AC-47: the run that ended first cannot be read.
#[tokio::test]
async fn ac_47_a_run_that_cannot_be_read_stops_no_other() {
    let (mut world, settings) = with_checks().await;
    for key in [BROKEN, GOOD] {
        world.clock.advance_ms(1_000);
        let now = world.clock.now();
        world.take(record(key, now, start("daily").at(now))).await;
        world.take(record(key, now, finish(FinishStatus::Success).at(now).output(r#""four""#))).await;
    }
    // Long enough that no run is judged a second time.
    world.clock.advance_ms(3_600_000);
    let (runs, accounts) = (Arc::new(world.runs.clone()), Arc::new(world.accounts.clone()));
    let queries = Arc::new(WatchedRuns { runs: world.runs.clone(), before: OneBroken::default() });
    let mut checks = CheckRunner::new(runs, accounts, queries, world.rows.clone(), settings, world.clock.clone());
    let round = checks.round(world.clock.now()).await.unwrap();
    assert_eq!(round.events.iter().map(|event| event.run).collect::<Vec<_>>(), [GOOD]);
    assert!(checks.is_done(), "it is passed over");
    assert_eq!(checks.waiting(), 0);
}

/// AC-47: no run can be read, for example because rights were revoked. Some are passed over, and the others are judged
/// once they can be read.
#[tokio::test]
async fn ac_47_few_runs_are_passed_over_while_none_can_be_read() {
    const RUNS: u128 = 50;
    const PASSED_OVER: u128 = 20;
    let (mut world, settings) = with_checks().await;
    for number in 0..RUNS {
        world.clock.advance_ms(1_000);
        let (key, now) = (RunKey { team: GOOD.team, run: run_id(100 + number) }, world.clock.now());
        world.take(record(key, now, start("daily").at(now))).await;
        world.take(record(key, now, finish(FinishStatus::Success).at(now).output(r#""four""#))).await;
    }
    // Long enough that no run is judged a second time.
    world.clock.advance_ms(3_600_000);
    let (runs, accounts) = (Arc::new(world.runs.clone()), Arc::new(world.accounts.clone()));
    let is_broken = Arc::new(AtomicBool::new(true));
    let queries = Arc::new(WatchedRuns { runs: world.runs.clone(), before: OneBroken(is_broken.clone()) });
    let mut checks = CheckRunner::new(runs, accounts, queries, world.rows.clone(), settings, world.clock.clone());
    for _ in 0..3 {
        assert!(checks.round(world.clock.now()).await.is_err());
        assert_eq!(checks.waiting(), (RUNS - PASSED_OVER) as usize);
    }
    is_broken.store(false, Ordering::SeqCst);
    let round = checks.round(world.clock.now()).await.unwrap();
    assert_eq!((round.events.len(), checks.waiting()), ((RUNS - PASSED_OVER) as usize, 0));
}

/// AC-45: the row of the check whose result comes first is damaged.
#[tokio::test]
async fn ac_45_a_damaged_row_of_a_check_stops_no_other() {
    let (world, settings) = with_checks().await;
    let doc = json!({"track": {"last_bad": 1}, "routing": "damaged", "rank": 1});
    let damaged =
        RowWrite { key: check_track_key(BROKEN.team, &check()), rank: 1, doc: Some(doc.to_string().into_bytes()) };
    world.rows.put(Arc::new(vec![damaged]), NOON).await.unwrap();
    let outbox = AlertOutbox::new(world.rows.clone(), settings.clone(), world.clock.clone(), Naming::none());
    let mut alerts = CheckAlerts::new(world.rows.clone(), outbox, settings, world.clock.clone());
    let event = |run: RunKey| CheckEvent {
        team: run.team,
        agent: slug("daily"),
        run,
        check: check().into(),
        check_name: "short".into(),
        alert_after: 1,
        ended_at: NOON,
        outcome: CheckOutcome::Fail,
    };
    let mut events = vec![event(BROKEN), event(GOOD)];
    alerts.take(&mut events).await.unwrap();
    assert!(events.is_empty(), "{events:?}");
    assert_eq!(open_incidents_of_checks(&*world.rows, GOOD.team).await.unwrap().len(), 1);
    // Where checks are over is looked for in the damaged row, too.
    alerts.end(world.clock.now()).await.unwrap();
    assert_eq!(open_incidents_of_checks(&*world.rows, GOOD.team).await.unwrap().len(), 1);
}

/// AC-45: all results are of a check with a damaged row. Some are passed over, and the others wait; one whose row can be
/// read lets more of them pass.
#[tokio::test]
async fn ac_45_few_results_are_passed_over_while_no_row_can_be_read() {
    let (world, settings) = with_checks().await;
    let damaged = RowWrite { key: check_track_key(BROKEN.team, &check()), rank: 1, doc: Some(b"damaged".to_vec()) };
    world.rows.put(Arc::new(vec![damaged]), NOON).await.unwrap();
    let outbox = AlertOutbox::new(world.rows.clone(), settings.clone(), world.clock.clone(), Naming::none());
    let mut alerts = CheckAlerts::new(world.rows.clone(), outbox, settings, world.clock.clone());
    let event = |team: TeamId, number: u128| CheckEvent {
        team,
        agent: slug("daily"),
        run: RunKey { team, run: run_id(number) },
        check: check().into(),
        check_name: "short".into(),
        alert_after: 1,
        ended_at: NOON.plus_millis(number as i64),
        outcome: CheckOutcome::Fail,
    };
    let mut events: Vec<CheckEvent> = (0..30).map(|number| event(BROKEN.team, number)).collect();
    for _ in 0..2 {
        assert!(alerts.take(&mut events).await.is_err());
        assert_eq!(events.len(), 10, "20 are passed over");
    }
    events.push(event(GOOD.team, 100));
    alerts.take(&mut events).await.unwrap();
    assert_eq!(open_incidents_of_checks(&*world.rows, GOOD.team).await.unwrap().len(), 1);
    alerts.take(&mut events).await.unwrap();
    assert!(events.is_empty(), "{events:?}");
}
