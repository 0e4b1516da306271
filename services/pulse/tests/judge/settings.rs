//! Edits, pauses, deletions: each once, also over restarts.

use serde_json::{Value, json};
use tidegate_agentping::{FinishStatus, HeartbeatStatus};
use tidegate_agentping_settings::{AgentDoc, kinds};
use tidegate_agentping_testkit::{StartWith, start};

use crate::rig::{Rig, time};

/// AC-30: slots before an edit keep the old definition, and the first slot of the new one lies after it.
#[tokio::test]
async fn ac_30_an_edit_judges_nothing_before_it() {
    let mut rig = Rig::new().await;
    rig.agent("job", json!({"cron": "0 * * * *", "tolerance_s": 600})).await;
    rig.to("12:05").await;
    rig.schedule("job", json!({"cron": "*/10 * * * *", "tolerance_s": 120})).await;
    rig.to("12:25").await;
    assert_eq!(rig.slots("job").await, ["12:00 missed", "12:10 missed", "12:20 missed"]);
    let deadlines: Vec<_> = rig.slot_docs("job").await.iter().map(|slot| slot.deadline).collect();
    assert_eq!(deadlines, [time("12:10"), time("12:12"), time("12:22")]);
    rig.schedule("job", Value::Null).await;
    rig.to("14:00").await;
    assert_eq!(rig.slots("job").await.len(), 3);
    assert_eq!(rig.incidents().await, ["job schedule_missed 12:10-12:25 3"], "nothing is expected any more");
}

/// A schedule that is switched off expects nothing: its slots are skipped, and its incident ends.
#[tokio::test]
async fn a_schedule_that_is_off_has_no_incident() {
    let mut rig = Rig::new().await;
    rig.agent("job", json!({"cron": "0 * * * *", "tolerance_s": 600})).await;
    rig.to("12:20").await;
    rig.schedule("job", json!({"cron": "0 * * * *", "tolerance_s": 600, "enabled": false})).await;
    rig.to("14:20").await;
    assert_eq!(rig.slots("job").await, ["12:00 missed", "13:00 skipped", "14:00 skipped"]);
    assert_eq!(rig.incidents().await, ["job schedule_missed 12:10-12:20 1"]);
    rig.to("2026-05-18T12:30:00Z").await;
    assert_eq!(rig.messages().len(), 2, "an opening and its end, and no reminder");
}

/// Slots of a paused agent are skipped, also when the team is paused, and a pause ends by itself.
#[tokio::test]
async fn slots_are_skipped_while_paused() {
    let mut rig = Rig::new().await;
    rig.agent("job", json!({"cron": "0 * * * *", "tolerance_s": 600})).await;
    rig.to("11:50").await;
    rig.pause("job", Some("12:30")).await;
    rig.to("12:20").await;
    assert_eq!(rig.slots("job").await, ["12:00 skipped"]);
    assert_eq!(rig.state("job").await, "paused");
    rig.to("13:20").await;
    assert_eq!(rig.slots("job").await, ["12:00 skipped", "13:00 missed"]);
    rig.pause("", None).await;
    rig.to("14:20").await;
    assert_eq!(rig.state("job").await, "paused");
    rig.resume("").await;
    rig.to("15:20").await;
    assert_eq!(rig.slots("job").await[1..], ["13:00 missed", "14:00 skipped", "15:00 missed"]);
}

/// A pause that is changed while it holds: what was judged of it stays, and its new end counts.
#[tokio::test]
async fn a_pause_that_is_prolonged_goes_on() {
    let mut rig = Rig::new().await;
    rig.agent("job", json!({"cron": "0 * * * *", "tolerance_s": 600})).await;
    rig.to("11:50").await;
    rig.pause("job", Some("12:30")).await;
    rig.to("12:20").await;
    rig.pause("job", Some("13:30")).await;
    rig.to("14:20").await;
    assert_eq!(rig.slots("job").await, ["12:00 skipped", "13:00 skipped", "14:00 missed"]);
}

/// Each change counts once, also when the judge starts again between any two of its turns.
#[tokio::test]
async fn changes_count_once_over_restarts() {
    let mut rig = Rig::new().await;
    rig.agent("job", json!({"cron": "*/10 * * * *", "tolerance_s": 120})).await;
    for (at, is_paused) in [("12:05", true), ("12:25", false), ("12:45", true)] {
        rig.to(at).await;
        if is_paused {
            rig.pause("job", None).await;
        } else {
            rig.resume("job").await;
            rig.schedule("job", json!({"cron": "*/10 * * * *", "tolerance_s": 180})).await;
        }
        rig.start().await;
        rig.turn().await;
        rig.start().await;
    }
    rig.to("13:05").await;
    let slots = rig.slots("job").await;
    let from_noon = slots.iter().position(|slot| slot.starts_with("12:00")).unwrap();
    assert_eq!(
        slots[from_noon..],
        [
            "12:00 missed",
            "12:10 skipped",
            "12:20 skipped",
            "12:30 missed",
            "12:40 missed",
            "12:50 skipped",
            "13:00 skipped"
        ]
    );
}

/// An agent that was deleted is not judged any more.
#[tokio::test]
async fn a_deleted_agent_is_not_judged() {
    let mut rig = Rig::new().await;
    rig.agent("job", json!({"cron": "0 * * * *", "tolerance_s": 600})).await;
    rig.to("12:20").await;
    rig.write(kinds::AGENT, "job", &AgentDoc { deleted_at: Some(time("12:20")), ..AgentDoc::default() }).await;
    rig.to("14:20").await;
    assert_eq!(rig.slots("job").await, ["12:00 missed"]);
    assert!(rig.incident_docs().await.iter().all(|incident| !incident.is_open()));
}

/// What is open of the runs of an agent ends with the agent. It counts anew once it reports again.
#[tokio::test]
async fn nothing_stays_open_of_a_deleted_agent() {
    let mut rig = Rig::new().await;
    rig.agent("job", json!({"cron": "0 9 1 1 *", "max_runtime_s": 600})).await;
    rig.to("12:00").await;
    rig.open(1, "job").await;
    rig.append(2, start("job").at(time("12:00")).idle(1_800, FinishStatus::Timeout)).await;
    rig.beat(3, "job", HeartbeatStatus::Fail).await;
    rig.to("12:20").await;
    let stuck = |rig: &Rig| rig.messages().iter().filter(|message| message.contains("run_stuck firing")).count();
    assert_eq!((rig.messages().len(), stuck(&rig)), (3, 2));
    rig.write(kinds::AGENT, "job", &AgentDoc { deleted_at: Some(time("12:20")), ..AgentDoc::default() }).await;
    rig.to("12:25").await;
    rig.start().await;
    // Days in which an open incident would be sent again, and the time at which the idle run would fail.
    rig.to("2026-05-18T12:00:00Z").await;
    assert!(rig.incident_docs().await.iter().all(|incident| incident.resolved_at == Some(time("12:20"))));
    assert_eq!((rig.incident_docs().await.len(), rig.messages().len()), (3, 6));
    rig.beat(4, "job", HeartbeatStatus::Fail).await;
    rig.to("2026-05-18T12:00:10Z").await;
    assert_eq!(rig.incident_docs().await.iter().filter(|incident| incident.is_open()).count(), 1);
}

/// AC-29: a day with a change of the clock, as it is judged.
#[tokio::test]
async fn ac_29_the_day_of_a_clock_change() {
    let mut rig = Rig::without_judge("2026-03-28T12:00:00Z");
    rig.start().await;
    rig.beat(1, "berlin", HeartbeatStatus::Ok).await;
    rig.schedule("berlin", json!({"cron": "30 2 * * *", "timezone": "Europe/Berlin"})).await;
    rig.apply().await;
    rig.turn().await;
    rig.to("2026-03-30T12:00:00Z").await;
    let agent = tidegate_agentping_ports::registry::agent_id(
        tidegate_agentping_testkit::team(1),
        &tidegate_agentping_testkit::slug("berlin"),
    );
    let (from, to) = (time("2026-03-28T12:00:00Z"), time("2026-03-30T12:00:00Z"));
    let query = tidegate_agentping_verdicts::SlotQuery { agent, from, to, before: None, limit: 100 };
    let slots = query.read(&rig.rows.rows).await.unwrap();
    let shown: Vec<_> = slots.iter().map(|slot| (slot.at, slot.outcome.as_str())).collect();
    assert_eq!(shown, [(time("2026-03-30T00:30:00Z"), "missed"), (time("2026-03-29T01:00:00Z"), "unknown")]);
}
