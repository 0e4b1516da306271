//! Slots: missed, covered, late, skipped.

use serde_json::json;
use tidegate_agentping::FinishStatus::{Success, Timeout};
use tidegate_agentping::HeartbeatStatus;
use tidegate_agentping_testkit::{StartWith, start};

use crate::rig::{Rig, time};

/// AC-18: nothing came until slot and tolerance had passed, so one message follows once the slot can be decided.
#[tokio::test]
async fn ac_18_a_slot_without_a_run_is_missed_once() {
    let mut rig = Rig::new().await;
    rig.agent("daily", json!({"cron": "0 12 * * *", "tolerance_s": 600})).await;
    rig.to("12:10:31").await;
    assert_eq!((rig.slots("daily").await, rig.messages()), (vec![], vec![]), "it cannot be decided yet");
    rig.to("12:10:32").await;
    assert_eq!(rig.slots("daily").await, ["12:00 missed"]);
    assert_eq!(rig.messages(), ["12:10 daily schedule_missed firing"]);
    rig.to("12:30").await;
    assert_eq!(rig.messages().len(), 1);
    let slots = rig.slot_docs("daily").await;
    let incidents = rig.incident_docs().await;
    assert_eq!((slots[0].deadline, slots[0].incident), (time("12:10"), Some(incidents[0].id)));
}

/// AC-19: a run anywhere in the window covers, whatever becomes of it; also one that was received before the deadline and
/// appended after it.
#[tokio::test]
async fn ac_19_a_run_in_the_window_covers() {
    let mut rig = Rig::new().await;
    for agent in ["a", "bb", "ccc", "dddd"] {
        rig.agent(agent, json!({"cron": "0 12 * * *", "tolerance_s": 600})).await;
    }
    rig.to("12:00:05").await;
    rig.open(1, "a").await;
    rig.to("12:09:59").await;
    rig.beat(2, "bb", HeartbeatStatus::Fail).await;
    rig.to("12:10:01").await;
    rig.append_late(3, "12:09:58", start("ccc").at(time("12:09:58"))).await;
    rig.to("12:20").await;
    rig.finish(3, Timeout).await;
    rig.to("12:30").await;
    assert_eq!(rig.slots("a").await, ["12:00 open"]);
    assert_eq!(rig.slots("bb").await, ["12:00 failed"]);
    assert_eq!(rig.slots("ccc").await, ["12:00 timeout"]);
    assert_eq!(rig.slots("dddd").await, ["12:00 missed"]);
    rig.finish(1, Success).await;
    rig.to("12:40").await;
    assert_eq!(rig.slots("a").await, ["12:00 ok"]);
    let missed: Vec<String> = rig.messages().into_iter().filter(|message| message.contains("missed")).collect();
    assert_eq!(missed, ["12:10 dddd schedule_missed firing"]);
}

/// AC-21: a run ahead of its slot covers that slot, and no other one.
#[tokio::test]
async fn ac_21_a_run_ahead_of_its_slot_covers_it_once() {
    let mut rig = Rig::new().await;
    rig.agent("hourly", json!({"cron": "0 * * * *", "tolerance_s": 600})).await;
    rig.to("11:52").await;
    rig.beat(1, "hourly", HeartbeatStatus::Ok).await;
    rig.to("13:11").await;
    assert_eq!(rig.slots("hourly").await, ["12:00 ok", "13:00 missed"]);
}

/// AC-27: a run that arrives late, and had started in the window, turns the slot and resolves the incident.
#[tokio::test]
async fn ac_27_a_late_run_turns_its_slot() {
    let mut rig = Rig::new().await;
    rig.agent("daily", json!({"cron": "0 12 * * *", "tolerance_s": 600})).await;
    rig.to("12:30").await;
    assert_eq!(rig.slots("daily").await, ["12:00 missed"]);
    rig.append(1, start("daily").at(time("12:04"))).await;
    rig.to("12:31").await;
    rig.to("12:32").await;
    assert_eq!(rig.slots("daily").await, ["12:00 ok_late"]);
    assert_eq!(rig.incidents().await, ["daily schedule_missed 12:10-12:30 1"]);
    assert_eq!(rig.messages(), ["12:10 daily schedule_missed firing", "12:30 daily schedule_missed resolved"]);
}

/// AC-31: an agent that was never seen is not judged, unless its schedule says so.
#[tokio::test]
async fn ac_31_an_agent_never_seen_is_not_judged() {
    let mut rig = Rig::new().await;
    rig.schedule("unseen", json!({"cron": "0 * * * *"})).await;
    rig.schedule("watched", json!({"cron": "0 * * * *", "start_unseen": true})).await;
    rig.to("12:11").await;
    assert_eq!(rig.slots("unseen").await, Vec::<String>::new());
    assert_eq!(rig.slots("watched").await, ["12:00 missed"]);
    rig.beat(1, "unseen", HeartbeatStatus::Ok).await;
    rig.to("13:11").await;
    assert_eq!(rig.slots("unseen").await, ["13:00 missed"]);
}

/// AC-32: a period counts from the last opening, and one slot is open at a time.
#[tokio::test]
async fn ac_32_a_period_counts_from_the_last_opening() {
    let mut rig = Rig::new().await;
    rig.agent("often", json!({"every_s": 1_800, "tolerance_s": 300})).await;
    rig.to("11:32").await;
    rig.beat(1, "often", HeartbeatStatus::Ok).await;
    rig.to("12:08").await;
    assert_eq!(rig.slots("often").await, ["11:30 ok", "12:02 missed"]);
    rig.to("12:38").await;
    assert_eq!(rig.slots("often").await.last().unwrap(), "12:32 missed");
}

/// An old deployment's first judge begins at now: what was before is not judged, and agents that had runs are known.
#[tokio::test]
async fn the_first_judge_begins_at_now() {
    let mut rig = Rig::without_judge("09:30");
    rig.schedule("old", json!({"cron": "0 * * * *"})).await;
    rig.clock.set(time("11:30"));
    rig.seen.0.push((tidegate_agentping_testkit::team(1), tidegate_agentping_testkit::slug("old"), time("09:00")));
    rig.start().await;
    rig.to("12:15").await;
    assert_eq!(rig.slots("old").await, ["12:00 missed"]);
}
