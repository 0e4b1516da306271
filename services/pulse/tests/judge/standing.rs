//! How agents are shown.

use serde_json::json;
use tidegate_agentping::FinishStatus::Success;
use tidegate_agentping::HeartbeatStatus;
use tidegate_agentping_testkit::run_id;
use tidegate_agentping_verdicts::StandingDoc;
use tidegate_kernel::Timestamp;
use tidegate_ports::Clock;

use crate::rig::{Rig, time};

/// AC-20: between slot and deadline an agent without a run is late, and nothing is sent.
#[tokio::test]
async fn ac_20_late_is_shown_and_never_sent() {
    let mut rig = Rig::new().await;
    rig.agent("hourly", json!({"cron": "0 * * * *", "tolerance_s": 600})).await;
    rig.to("11:59").await;
    assert_eq!(rig.state("hourly").await, "up");
    rig.to("12:05").await;
    assert_eq!(rig.state("hourly").await, "late");
    assert_eq!(rig.standing("hourly").await.state_at(rig.clock.now()).1, time("12:00"));
    assert_eq!(rig.messages(), Vec::<String>::new());
    rig.to("12:11").await;
    assert_eq!(rig.state("hourly").await, "down");
}

/// A run that has come is not late, although its slot is decided later.
#[tokio::test]
async fn a_run_that_has_come_is_not_late() {
    let mut rig = Rig::new().await;
    rig.agent("hourly", json!({"cron": "0 * * * *", "tolerance_s": 600})).await;
    rig.to("12:00:05").await;
    rig.beat(1, "hourly", HeartbeatStatus::Ok).await;
    rig.to("12:00:07").await;
    assert_eq!(rig.slots("hourly").await, Vec::<String>::new());
    assert_eq!(rig.state("hourly").await, "up");
    assert_eq!(rig.standing("hourly").await.next_slot.map(|slot| slot.at), Some(time("13:00")));
}

#[tokio::test]
async fn what_an_agent_has_been_through() {
    let mut rig = Rig::new().await;
    rig.schedule("job", json!({"cron": "0 * * * *", "tolerance_s": 600})).await;
    rig.to("11:01").await;
    assert_eq!(rig.state("job").await, "new");
    rig.to("12:00").await;
    rig.open(1, "job").await;
    rig.to("12:00:05").await;
    assert_eq!(rig.state("job").await, "running");
    rig.to("12:07").await;
    rig.finish(1, Success).await;
    rig.to("12:08").await;
    let standing = rig.standing("job").await;
    assert_eq!(rig.state("job").await, "up");
    assert_eq!(standing.last_success.map(|last| last.run), Some(run_id(1)));
    assert_eq!(standing.next_slot.map(|slot| slot.at), Some(time("13:00")));
    rig.to("13:20").await;
    let standing = rig.standing("job").await;
    assert_eq!((rig.state("job").await.as_str(), standing.since), ("down", time("13:10")));
    assert_eq!(standing.open_incidents, [rig.incident_docs().await[0].id]);
    assert_eq!(standing.next_slot.map(|slot| slot.at), Some(time("14:00")));
    rig.to("14:03").await;
    rig.beat(2, "job", HeartbeatStatus::Ok).await;
    rig.to("14:10").await;
    assert_eq!((rig.state("job").await.as_str(), rig.standing("job").await.open_incidents.len()), ("up", 0));
}

/// The last slots and durations are with the standing, also after another judge has gone on.
#[tokio::test]
async fn the_latest_of_an_agent_is_with_its_standing() {
    let mut rig = Rig::new().await;
    rig.agent("job", json!({"cron": "0 * * * *", "tolerance_s": 600})).await;
    rig.to("12:00").await;
    rig.open(1, "job").await;
    rig.to("12:07").await;
    rig.finish(1, Success).await;
    rig.to("13:20").await;
    let outcomes = |standing: &StandingDoc| -> Vec<(Timestamp, &str)> {
        standing.recent.slots().iter().map(|slot| (slot.at, slot.outcome.as_str())).collect()
    };
    let standing = rig.standing("job").await;
    let decided: Vec<_> = outcomes(&standing).into_iter().filter(|(at, _)| *at >= time("12:00")).collect();
    assert_eq!(decided, [(time("12:00"), "ok"), (time("13:00"), "missed")]);
    assert_eq!(standing.recent.median_ms(), standing.last_success.and_then(|last| last.duration_ms));
    assert!(standing.recent.median_ms().is_some());
    rig.start().await;
    rig.to("14:20").await;
    let later = rig.standing("job").await;
    assert_eq!(outcomes(&later).last(), Some(&(time("14:00"), "missed")));
    assert_eq!(outcomes(&later)[..outcomes(&standing).len()], outcomes(&standing)[..]);
    assert_eq!(later.recent.median_ms(), standing.recent.median_ms());
}
