//! Incidents and messages of slots and runs.

use serde_json::json;
use tidegate_agentping::FinishStatus::{Failed, Success};
use tidegate_agentping::{FinishStatus, HeartbeatStatus};
use tidegate_agentping_testkit::{EventWith, StartWith, event, finish, heartbeat, start};

use crate::rig::{Rig, time};

/// AC-37: one recovery, which says how long it lasted, with the last success and the next slot.
#[tokio::test]
async fn ac_37_a_recovery_says_how_long_it_lasted() {
    let mut rig = Rig::new().await;
    rig.agent("hourly", json!({"cron": "0 * * * *", "tolerance_s": 600})).await;
    rig.to("12:30").await;
    rig.to("13:02").await;
    rig.beat(1, "hourly", HeartbeatStatus::Ok).await;
    rig.to("13:30").await;
    assert_eq!(rig.messages(), ["12:10 hourly schedule_missed firing", "13:02 hourly schedule_missed resolved"]);
    assert_eq!(rig.incidents().await, ["hourly schedule_missed 12:10-13:02 1"]);
    let alerts: Vec<_> = rig.sent.by_id.lock().unwrap().values().cloned().collect();
    let fired = alerts.iter().find(|alert| alert.message.down_s().is_none()).unwrap();
    let resolved = alerts.iter().find(|alert| alert.message.down_s().is_some()).unwrap();
    assert_eq!(resolved.message.down_s(), Some(52 * 60));
    assert_eq!((fired.deadline, fired.next_expected_at), (Some(time("12:10")), Some(time("13:00"))));
    assert_eq!(fired.last_success.map(|last| last.finished_at), Some(time("11:00")));
    assert_eq!(fired.schedule.as_ref().and_then(|schedule| schedule.cron.clone()).as_deref(), Some("0 * * * *"));
}

/// AC-36: a minutely agent that is down for three hours sends at most four messages, which count what they stand for.
#[tokio::test]
async fn ac_36_a_minutely_agent_folds_its_slots() {
    let mut rig = Rig::new().await;
    rig.agent("minutely", json!({"cron": "* 12-14 * * *", "tolerance_s": 60})).await;
    rig.to("15:10").await;
    assert_eq!(rig.slots("minutely").await.len(), 180);
    let alerts = rig.sent.by_id.lock().unwrap().clone();
    assert_eq!(alerts.len(), 3);
    assert_eq!(alerts.values().map(|alert| alert.message.folded).sum::<u32>(), 118);
    assert_eq!(rig.incidents().await, ["minutely schedule_missed 12:01- 180"]);
}

/// AC-38: with `alert_after` 3 the third miss opens.
#[tokio::test]
async fn ac_38_three_misses_open() {
    let mut rig = Rig::new().await;
    rig.agent("hourly", json!({"cron": "0 * * * *", "tolerance_s": 600, "alert_after": 3})).await;
    rig.to("13:30").await;
    assert_eq!((rig.slots("hourly").await.len(), rig.messages().len()), (2, 0));
    rig.to("14:30").await;
    assert_eq!(rig.messages(), ["14:10 hourly schedule_missed firing"]);
    let incidents: Vec<_> = rig.slot_docs("hourly").await.iter().map(|slot| slot.incident.is_some()).collect();
    assert_eq!(incidents, [false, false, true]);
}

/// A failed run is an incident, whatever the schedule, and the next success resolves it.
#[tokio::test]
async fn a_failed_run_is_an_incident_until_the_next_success() {
    let mut rig = Rig::new().await;
    rig.to("12:00").await;
    rig.beat(1, "job", HeartbeatStatus::Fail).await;
    rig.to("12:00:02").await;
    assert_eq!(rig.messages(), ["12:00 job run_failed firing"], "without waiting for any slot");
    rig.to("12:05").await;
    rig.beat(2, "job", HeartbeatStatus::Ok).await;
    rig.to("12:05:02").await;
    assert_eq!(rig.incidents().await, ["job run_failed 12:00-12:05 1"]);
    assert_eq!(rig.messages().len(), 2);
}

/// A run that is closed by its idle timeout ends with the status it was given for that.
#[tokio::test]
async fn an_idle_run_fails_by_its_own_timeout() {
    let mut rig = Rig::new().await;
    rig.to("12:00").await;
    let started = start("job").at(time("12:00")).idle(300, FinishStatus::Timeout);
    rig.append(1, started).await;
    rig.to("12:05").await;
    assert_eq!(rig.messages(), Vec::<String>::new());
    rig.to("12:05:40").await;
    assert_eq!(rig.messages(), ["12:05 job run_failed firing"]);
    assert_eq!(rig.incidents().await, ["job run_failed 12:05- 1"]);
}

/// AC-33: a run over its longest time is stuck once; that it is alive moves the deadline, and its end resolves it.
#[tokio::test]
async fn ac_33_a_stuck_run_alerts_once() {
    let mut rig = Rig::new().await;
    rig.agent("long", json!({"cron": "0 12 * * *", "tolerance_s": 600, "max_runtime_s": 1_800})).await;
    let started = start("long").at(time("12:00:10"));
    rig.to("12:00:10").await;
    rig.append(1, started.clone()).await;
    rig.to("12:20:10").await;
    rig.append(1, started).await;
    rig.to("12:45").await;
    assert_eq!(rig.messages(), Vec::<String>::new(), "its start was repeated");
    rig.to("12:51").await;
    assert_eq!(rig.messages(), ["12:50 long run_stuck firing"]);
    rig.to("13:10").await;
    assert_eq!(rig.messages().len(), 1);
    rig.finish(1, Success).await;
    rig.to("13:11").await;
    assert_eq!(rig.incidents().await, ["long run_stuck 12:50-13:10 1"]);
}

/// AC-34: a newer run that has succeeded makes an older one no trouble.
#[tokio::test]
async fn ac_34_an_overtaken_run_is_not_stuck() {
    let mut rig = Rig::new().await;
    rig.agent("long", json!({"cron": "0 12 * * *", "tolerance_s": 600, "max_runtime_s": 1_800})).await;
    rig.to("12:00:10").await;
    rig.open(1, "long").await;
    rig.to("12:10").await;
    rig.beat(2, "long", HeartbeatStatus::Ok).await;
    rig.to("12:45").await;
    assert_eq!(rig.messages(), Vec::<String>::new());
}

/// AC-28: a replay of what was lost opens no incident, and one that resolves an incident sends its recovery.
#[tokio::test]
async fn ac_28_a_replay_opens_nothing() {
    let mut rig = Rig::new().await;
    rig.agent("hourly", json!({"cron": "0 * * * *", "tolerance_s": 600, "max_runtime_s": 60})).await;
    rig.to("12:30").await;
    rig.again(1, "12:05", start("hourly").at(time("12:05"))).await;
    rig.again(2, "11:30", start("hourly").at(time("11:30"))).await;
    rig.again(2, "11:31", finish(Failed)).await;
    rig.to("12:50").await;
    assert_eq!(rig.slots("hourly").await, ["12:00 ok_late"]);
    // It was received before the alert: its recovery is not before it.
    assert_eq!(rig.messages(), ["12:10 hourly schedule_missed firing", "12:10 hourly schedule_missed resolved"]);
    assert_eq!(rig.incident_docs().await.len(), 1);
}

/// AC-28: an agent whose first run a replay brings is judged from the replay on.
#[tokio::test]
async fn ac_28_a_first_run_that_is_replayed_misses_nothing_before() {
    let mut rig = Rig::new().await;
    rig.schedule("job", json!({"cron": "0 * * * *", "tolerance_s": 600})).await;
    rig.to("15:30").await;
    rig.again(1, "12:05", heartbeat("job", HeartbeatStatus::Ok)).await;
    rig.to("16:30").await;
    assert_eq!(rig.slots("job").await, ["16:00 missed"]);
    assert_eq!(rig.messages(), ["16:10 job schedule_missed firing"]);
}

/// AC-28: an event that is replayed does not make a run watched that is not known any more.
#[tokio::test]
async fn ac_28_a_replayed_event_watches_no_run() {
    let mut rig = Rig::without_judge("10:50");
    rig.open(1, "long").await;
    rig.apply().await;
    rig.clock.set(time("11:00"));
    rig.start().await;
    rig.agent("long", json!({"cron": "0 12 1 1 *", "max_runtime_s": 600})).await;
    rig.to("11:06").await;
    rig.again(1, "11:05", event(1).data(r#"{"alive":true}"#)).await;
    rig.to("12:00").await;
    assert_eq!(rig.messages(), Vec::<String>::new());
}

/// AC-39: a child's failure is one incident, on the agent of the run that none is above, and names the child. What the child's
/// own agent does alone stays its own.
#[tokio::test]
async fn ac_39_a_childs_failure_is_shown_at_the_root() {
    let mut rig = Rig::new().await;
    let child_of = |agent: &str, parent: u128, at: &str| {
        let mut child = start(agent).at(time(at));
        child.parent_run_id = Some(tidegate_agentping_testkit::run_id(parent));
        child
    };
    rig.to("12:00").await;
    rig.open(1, "root").await;
    rig.to("12:01").await;
    rig.append(2, child_of("planner", 1, "12:01")).await;
    rig.to("12:02").await;
    rig.append(3, child_of("worker", 2, "12:02")).await;
    rig.to("12:03").await;
    // The judge starts again, from what was saved.
    rig.start().await;
    rig.finish(3, Failed).await;
    rig.to("12:04").await;
    rig.finish(2, Failed).await;
    rig.to("12:05").await;
    assert_eq!(rig.incidents().await, ["root run_failed 12:03- 2"]);
    assert_eq!(rig.messages(), ["12:03 root run_failed firing"]);
    let [root, worker] = [1, 3].map(tidegate_agentping_testkit::run_id);
    let expected = tidegate_agentping_pulse::IncidentOrigin::Child { run: root, child: worker };
    let alert = rig.sent.by_id.lock().unwrap().values().next().unwrap().clone();
    assert_eq!((alert.message.origin, alert.child.map(|child| child.run)), (expected, Some(worker)));
    assert_eq!(rig.incident_docs().await[0].origin, expected);
    rig.finish(1, Success).await;
    rig.to("12:06").await;
    assert_eq!(rig.incidents().await, ["root run_failed 12:03-12:05 2"]);
    // It comes after the end of the run above it.
    rig.append(4, child_of("late", 1, "12:06")).await;
    rig.finish(4, Failed).await;
    rig.to("12:07").await;
    assert_eq!(rig.incidents().await[1], "root run_failed 12:06- 1");
    // Nothing is known of the run above.
    rig.append(5, child_of("worker", 99, "12:07")).await;
    rig.finish(5, Failed).await;
    rig.to("12:08").await;
    assert_eq!(rig.incidents().await[2], "worker run_failed 12:07- 1");
}

/// AC-39: also if it is closed by its idle timeout, and if the judge has crashed between its state and the root's.
#[tokio::test]
async fn ac_39_an_idle_child_counts_once_whatever_was_saved() {
    let mut rig = Rig::new().await;
    rig.options.save_every_ms = u64::MAX;
    rig.start().await;
    rig.to("12:00").await;
    rig.open(1, "root").await;
    let mut child = start("worker").at(time("12:00")).idle(300, FinishStatus::Timeout);
    child.parent_run_id = Some(tidegate_agentping_testkit::run_id(1));
    rig.append(2, child).await;
    for _ in 0..3 {
        rig.to("12:10").await;
        rig.start().await;
        rig.turn().await;
    }
    assert_eq!(rig.incidents().await, ["root run_failed 12:05- 1"]);
    assert_eq!(rig.messages(), ["12:05 root run_failed firing"]);
}
