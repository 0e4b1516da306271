//! What ends an incident, and what does not: removals, deletions, late and unordered records, routes that change.

use std::collections::BTreeSet;

use serde_json::json;
use tidegate_agentping::FinishStatus::{Failed, Success, Timeout};
use tidegate_agentping_pulse::open_runs::OpenRuns;
use tidegate_agentping_pulse::{AgentJudge, Edge, IncidentOrigin, RoutePolicy, ScheduleChange};

use crate::judged::{run, time};
use crate::watching::*;

/// A schedule is removed and set again: its incident and its count end with it, however far the judge goes at once.
#[test]
fn an_incident_ends_with_its_schedule_however_far_the_judge_goes() {
    let story = |steps: &[&str]| {
        let mut watching = Watching::with(json!({"cron": "0 * * * *", "tolerance_s": 600}));
        watching.judge.change(time("01:30"), ScheduleChange::Removed);
        watching.set("02:30", json!({"cron": "0 * * * *", "tolerance_s": 600, "alert_after": 2}));
        steps.iter().for_each(|to| watching.to(to));
        watching.sent()
    };
    let expected = ["01:10 schedule_missed firing", "01:30 schedule_missed resolved", "04:10 schedule_missed firing"];
    assert_eq!(story(&["05:00"]), expected);
    assert_eq!(story(&["01:15", "01:45", "02:45", "03:30", "05:00"]), expected);
}

/// Slots whose schedule is removed before their deadlines are missed, and send no alert.
#[test]
fn slots_that_wait_when_their_schedule_is_removed_alert_nobody() {
    for again in [false, true] {
        let mut watching = Watching::with(json!({"cron": "*/10 1 * * *", "tolerance_s": 7_200}));
        watching.judge.change(time("01:35"), ScheduleChange::Removed);
        if again {
            watching.set("01:40", json!({"cron": "0 20 * * *"}));
        }
        watching.to("04:00");
        assert_eq!((watching.sent(), watching.edges.len()), (vec![], 0), "{again}");
    }
}

/// A schedule that is switched off expects nothing: its incident and its count end with it, no reminder is sent, and
/// slots that wait then make no alert.
#[test]
fn an_incident_ends_when_its_schedule_is_switched_off() {
    let on = json!({"cron": "0 * * * *", "tolerance_s": 600});
    let off = json!({"cron": "0 * * * *", "tolerance_s": 600, "enabled": false});
    let mut watching = Watching::with(on.clone());
    watching.set("01:30", off.clone());
    watching.to("2026-05-18T01:30:00Z");
    let expected = ["01:10 schedule_missed firing", "01:30 schedule_missed resolved"];
    assert_eq!(watching.sent(), expected);
    watching.set("2026-05-18T01:45:00Z", on.clone());
    watching.to("2026-05-18T02:15:00Z");
    assert_eq!(watching.sent()[2..], ["02:10 schedule_missed firing"], "another one, once it is on again");
    assert_eq!(watching.messages[2].count, 1);
    let mut waiting = Watching::with(on);
    waiting.set("01:05", off);
    waiting.to("04:00");
    assert_eq!((waiting.sent(), waiting.edges.len()), (vec![], 0));
}

/// Slots of a pause neither count nor break: an incident outlasts it, and the next run resolves it.
#[test]
fn an_incident_outlasts_a_pause() {
    let mut watching = Watching::with(json!({"cron": "0 * * * *", "tolerance_s": 600}));
    watching.judge.change(time("01:30"), ScheduleChange::Paused);
    watching.judge.change(time("03:30"), ScheduleChange::Resumed);
    watching.opened(1, "04:02");
    watching.to("05:00");
    assert_eq!(watching.sent(), ["01:10 schedule_missed firing", "04:02 schedule_missed resolved"]);
}

/// A run that its idle timeout has ended goes on, and ends so again: that is another incident, with messages of its
/// own.
#[test]
fn a_run_that_fails_twice_has_two_incidents() {
    let mut watching = Watching::of(AgentJudge::new(None));
    watching.opened(1, "09:00");
    watching.ended(1, Timeout, "09:05");
    watching.beat(2, Success, "09:06");
    watching.ended(1, Timeout, "09:12");
    assert_eq!(watching.sent(), ["09:05 run_failed firing", "09:06 run_failed resolved", "09:12 run_failed firing"]);
    assert_ne!(watching.messages[0].incident, watching.messages[2].incident);
    let ids: BTreeSet<_> = watching.messages.iter().map(|message| message.id).collect();
    assert_eq!(ids.len(), 3);
}

/// Partitions are read each at its own pace: whatever comes first, an agent is down if its newest run failed.
#[test]
fn what_becomes_known_late_is_as_it_would_have_been_in_time() {
    let mut watching = Watching::of(AgentJudge::new(None));
    watching.beat(2, Failed, "09:10");
    watching.beat(1, Success, "09:05");
    assert_eq!(watching.sent(), ["09:10 run_failed firing"], "a success from before it");
    watching.beat(4, Success, "09:20");
    watching.beat(3, Failed, "09:15");
    assert_eq!(
        watching.sent()[1..],
        ["09:20 run_failed resolved", "09:15 run_failed firing", "09:20 run_failed resolved"],
        "a failure from before a success"
    );
    assert_eq!(watching.edges[3].origin, IncidentOrigin::Run(run(4)));
    assert!(watching.judge.failed().track().open().is_none());
    // Clocks of front doors may differ by as much.
    watching.beat(5, Failed, "09:30:01");
    watching.beat(6, Success, "09:30:00");
    assert!(watching.judge.failed().track().open().is_none());
}

/// AC-61: a run that was received before the alert recovers it, and not before it.
#[test]
fn a_recovery_is_never_before_its_alert() {
    let mut watching = Watching::with(json!({"cron": "0 9-20 * * *", "tolerance_s": 600}));
    watching.to("10:30");
    watching.opened(1, "10:05");
    assert_eq!(
        watching.sent(),
        ["09:10 schedule_missed firing", "10:10 schedule_missed repeat", "10:10 schedule_missed resolved"]
    );
}

/// AC-37: who got the alert gets its recovery, whatever is routed where by then; who did not, does not.
#[test]
fn ac_37_a_recovery_follows_its_alert_and_not_the_routes() {
    let mut watching = Watching::with(json!({"cron": "0 9-20 * * *", "tolerance_s": 600}));
    watching.to("09:30");
    watching.routes = vec![RoutePolicy { route: "other", ..OPS }];
    watching.beat(1, Success, "10:00");
    watching.to("10:05");
    assert_eq!(watching.sent(), ["09:10 schedule_missed firing", "10:00 schedule_missed resolved"]);
    assert!(watching.sent_to("other").is_empty());
}

/// AC-69: flapping is said once. Where that has opened an incident, it is closed there.
#[test]
fn ac_69_an_incident_that_flaps_is_closed_where_it_was_opened() {
    let pager = RoutePolicy { route: "pager", holds_open: true, ..OPS };
    let mut watching = Watching { routes: vec![OPS, pager], ..Watching::of(AgentJudge::new(None)) };
    for change in 0..12 {
        let status = if change % 2 == 0 { Failed } else { Success };
        watching.beat(change, status, &format!("09:{:02}", change * 4));
    }
    assert_eq!(watching.sent_to("ops").last().unwrap(), "09:24 run_failed flapping");
    assert_eq!(watching.sent_to("pager")[6..], ["09:24 run_failed flapping", "09:28 run_failed resolved"]);
}

/// Verdicts about runs follow the schedule of their own time, however late they are made, and however far slots are
/// judged.
#[test]
fn a_run_is_stuck_by_the_schedule_of_its_time() {
    let rule = |max_runtime_s: u32| json!({"cron": "0 9 1 1 *", "max_runtime_s": max_runtime_s});
    // The limit is lowered after the run has ended.
    let mut lowered = Watching::with(rule(7_200));
    lowered.set("10:00", rule(300));
    lowered.opened(1, "09:00");
    lowered.check("09:29");
    lowered.ended(1, Success, "09:30");
    lowered.opened(2, "09:40");
    lowered.to("10:10");
    lowered.check("10:10");
    assert_eq!(lowered.sent(), ["10:00 run_stuck firing"], "the second one, from when the limit holds");
    // It is raised after the run has passed it.
    let mut raised = Watching::with(rule(300));
    raised.set("10:00", rule(7_200));
    raised.opened(1, "09:50");
    raised.opened(2, "09:59");
    raised.to("10:30");
    raised.check("10:30");
    assert_eq!(raised.sent(), ["09:55 run_stuck firing"]);
    assert_eq!(raised.judge.next_run_due(), Some(time("11:59")));
    // Nothing is stuck while the agent is paused.
    let mut paused = Watching::with(rule(300));
    paused.opened(1, "09:00");
    paused.judge.change(time("09:02"), ScheduleChange::Paused);
    paused.judge.change(time("11:00"), ScheduleChange::Resumed);
    paused.to("10:00");
    paused.check("10:00");
    assert_eq!((paused.sent(), paused.judge.next_run_due()), (vec![], Some(time("11:00"))));
}

/// More runs are open than are watched: the incident of one that is not watched any more ends.
#[test]
fn the_incident_of_a_run_that_is_watched_no_more_ends() {
    let mut watching = Watching::with(json!({"cron": "0 9 1 1 *", "max_runtime_s": 60}));
    for number in 0..OpenRuns::MAX as u128 {
        watching.opened(number, "09:00");
    }
    watching.check("09:10");
    assert_eq!(watching.edges.len(), OpenRuns::MAX);
    watching.opened(1_000, "09:20");
    let open = watching.judge.runs().iter().filter(|open| open.is_stuck()).count();
    assert_eq!((watching.edges.len(), open), (OpenRuns::MAX + 1, OpenRuns::MAX - 1));
    let last = watching.edges.last().unwrap();
    assert_eq!((last.edge, last.incident), (Edge::Resolved, watching.edges[0].incident));
}

/// What is open of the runs of an agent ends when it is deleted; what comes after that is of another life.
#[test]
fn incidents_of_runs_end_with_their_agent() {
    let mut watching = Watching::with(json!({"cron": "0 9 1 1 *", "max_runtime_s": 600, "alert_after": 2}));
    watching.opened(1, "09:00");
    watching.beat(2, Failed, "09:01");
    watching.beat(3, Failed, "09:02");
    watching.check("09:15");
    watching.deleted("09:30");
    let ended: Vec<_> = watching.edges.iter().filter(|edge| edge.edge == Edge::Resolved).collect();
    assert_eq!((ended.len(), watching.edges.len()), (2, 4));
    assert!(ended.iter().all(|edge| edge.timestamp == time("09:30")));
    assert!(watching.judge.runs().is_empty());
    watching.beat(4, Failed, "10:00");
    assert_eq!(watching.edges.len(), 4, "it counts from the beginning");
    watching.deleted("09:45");
    watching.beat(5, Failed, "10:01");
    assert_eq!(watching.edges.len(), 5, "what failed after it is not over");
}

/// AC-28: a replay that brings an agent's first run is no reason to alert for what was before the replay.
#[test]
fn ac_28_slots_begin_after_a_replay_that_brings_the_first_run() {
    let mut watching = Watching::of(AgentJudge::new(None));
    watching.set("00:00", json!({"cron": "0 * * * *", "tolerance_s": 600}));
    watching.to("00:05");
    watching.opened_again(1, "03:20", "12:30");
    watching.to("13:30");
    assert_eq!(watching.sent(), ["13:10 schedule_missed firing"]);
    assert!(watching.judge.runs().is_empty());
}
