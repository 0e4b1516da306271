//! Incidents and their messages.

use std::collections::BTreeSet;

use serde_json::json;
use tidegate_agentping::FinishStatus::{Cancelled, Failed, Success, Timeout};
use tidegate_agentping_pulse::incident::storm::{Leaving, grouped};
use tidegate_agentping_pulse::{
    AgentJudge, AlertKind, AlertMessage, AlertSeverity, Doubt, DoubtReason, IncidentOrigin, RoutePolicy, ScheduleChange,
};
use tidegate_kernel::Region;

use crate::judged::{run, time};
use crate::watching::*;

fn hourly() -> Watching {
    Watching::with(json!({"cron": "0 9-20 * * *", "tolerance_s": 600}))
}

/// AC-18, AC-37: the alert at the deadline, and one recovery that says how long it lasted.
#[test]
fn ac_37_a_miss_and_its_recovery() {
    let mut watching = hourly();
    watching.opened(1, "10:02");
    watching.to("12:00");
    assert_eq!(
        watching.sent(),
        ["09:10 schedule_missed firing", "10:02 schedule_missed resolved", "11:10 schedule_missed firing"]
    );
    let [fired, resolved, again] = &watching.messages[..] else { panic!("{:?}", watching.messages) };
    assert_eq!(
        (fired.origin, fired.severity, fired.down_s()),
        (IncidentOrigin::Slot(time("09:00")), AlertSeverity::Error, None)
    );
    assert_eq!((resolved.severity, resolved.down_s()), (AlertSeverity::Info, Some(52 * 60)));
    assert_eq!((resolved.incident, resolved.opened_at), (fired.incident, time("09:10")));
    assert_ne!(again.incident, fired.incident);
    assert!(fired.incident.to_string().starts_with("inc_eu_") && fired.id.to_string().starts_with("whd_eu_"));
}

/// AC-36: a minutely agent that is down for three hours.
#[test]
fn ac_36_slots_are_folded_within_the_interval() {
    let mut watching = Watching::with(json!({"cron": "* 9-11 * * *", "tolerance_s": 60}));
    watching.to("13:00");
    assert_eq!(
        watching.sent(),
        ["09:01 schedule_missed firing", "10:01 schedule_missed repeat", "11:01 schedule_missed repeat",]
    );
    let folded: Vec<(u32, u32)> = watching.messages.iter().map(|message| (message.folded, message.count)).collect();
    assert_eq!(folded, [(0, 1), (59, 61), (59, 121)]);
}

/// AC-35: one delivery id for each missed slot and route; a route's own interval decides for itself.
#[test]
fn ac_35_each_slot_and_route_has_one_id() {
    let each = RoutePolicy { route: "each", min_interval_s: 0, ..OPS };
    let mut watching = Watching { routes: vec![OPS, each], ..hourly() };
    watching.to("20:30");
    let ids: BTreeSet<_> = watching.messages.iter().map(|message| message.id).collect();
    assert_eq!(ids.len(), watching.messages.len());
    assert_eq!((watching.sent_to("ops").len(), watching.sent_to("each").len()), (12, 12));
    assert_eq!(watching.edges.len(), 12);
}

/// AC-38: `unknown` neither counts nor breaks; a run does.
#[test]
fn ac_38_three_in_a_row() {
    let rule = json!({"cron": "0 9-20 * * *", "tolerance_s": 600, "alert_after": 3, "recover_after": 2});
    let mut watching = Watching::with(rule);
    watching.doubts = vec![Doubt { from: time("11:05"), until: time("11:06"), reason: DoubtReason::Canary }];
    watching.beat(1, Success, "10:00");
    watching.to("14:00");
    assert_eq!(watching.sent(), Vec::<String>::new(), "09 missed, 10 ok, 11 unknown, 12 and 13 missed");
    watching.beat(2, Success, "15:01");
    watching.to("15:30");
    assert_eq!(watching.sent(), ["14:10 schedule_missed firing"]);
    assert_eq!(watching.messages[0].count, 3);
    // A run that failed came all the same.
    watching.beat(3, Failed, "16:01");
    watching.to("16:30");
    assert_eq!(watching.sent()[1..], ["16:01 schedule_missed resolved"]);
}

#[test]
fn a_slot_in_doubt_is_sent_where_it_is_wanted() {
    for (unknown_alerts, expected) in [(false, vec![]), (true, vec!["09:10 schedule_unknown firing"])] {
        let rule = json!({"cron": "0 9,20 * * *", "tolerance_s": 600, "unknown_alerts": unknown_alerts});
        let mut watching = Watching::with(rule);
        watching.doubts = vec![Doubt { from: time("09:00"), until: time("09:30"), reason: DoubtReason::FrontDoor }];
        watching.to("10:00");
        assert_eq!(watching.sent(), expected);
        assert!(watching.edges.is_empty(), "no incident");
    }
}

/// AC-27: a late run resolves the incident of its slot, unless a later slot is missed.
#[test]
fn ac_27_a_late_run_resolves() {
    let mut watching = hourly();
    watching.to("10:30");
    watching.opened_started(1, "10:40", Some("09:05"));
    watching.to("10:40");
    assert_eq!(watching.sent(), ["09:10 schedule_missed firing", "10:10 schedule_missed repeat"]);
    watching.opened_started(2, "10:45", Some("10:05"));
    watching.to("10:45");
    assert_eq!(watching.sent()[2..], ["10:45 schedule_missed resolved"]);
}

/// AC-33: once; an event that says it is alive moves the deadline, and so does nothing else; its end resolves.
#[test]
fn ac_33_a_stuck_run() {
    let mut watching = Watching::with(json!({"cron": "0 9 * * *", "max_runtime_s": 1_800}));
    watching.opened(1, "09:00");
    watching.check("09:29:59");
    watching.judge.alive(run(1), time("09:20"));
    watching.check("09:49:59");
    assert_eq!((watching.edges.len(), watching.judge.next_run_due()), (0, Some(time("09:50"))));
    watching.check("09:50");
    watching.check("10:30");
    assert_eq!(watching.sent(), ["09:50 run_stuck firing"]);
    assert_eq!((watching.edges[0].opened_at, watching.judge.next_run_due()), (time("09:50"), None));
    watching.ended(1, Success, "11:00");
    assert_eq!(watching.sent()[1..], ["11:00 run_stuck resolved"]);
    assert!(watching.judge.runs().is_empty());
}

/// AC-34: a newer success means that it is no trouble, before its deadline and after.
#[test]
fn ac_34_a_newer_success_overtakes_a_stuck_run() {
    let mut watching = Watching::with(json!({"cron": "0 9 * * *", "max_runtime_s": 1_800}));
    watching.opened(1, "09:00");
    watching.beat(2, Success, "09:10");
    watching.check("12:00");
    assert!(watching.sent().is_empty());
    watching.opened(3, "09:11");
    watching.check("12:00");
    watching.beat(4, Failed, "12:01");
    watching.beat(5, Success, "12:02");
    assert_eq!(
        watching.sent(),
        ["09:41 run_stuck firing", "12:01 run_failed firing", "12:02 run_stuck resolved", "12:02 run_failed resolved"]
    );
}

/// AC-26: the end of a run may have been lost while nothing got through.
#[test]
fn ac_26_a_run_open_in_doubt_is_unknown_and_not_stuck() {
    let mut watching = Watching::with(json!({"cron": "0 9 * * *", "max_runtime_s": 1_800}));
    watching.doubts = vec![Doubt { from: time("09:10"), until: time("09:12"), reason: DoubtReason::FrontDoor }];
    watching.opened(1, "09:00");
    watching.opened(2, "09:13");
    watching.check("09:40");
    assert!(watching.sent().is_empty());
    watching.check("09:43");
    assert_eq!(watching.sent(), ["09:43 run_stuck firing"]);
    assert_eq!(watching.edges[0].origin, IncidentOrigin::Run(run(2)));
}

#[test]
fn failures_in_a_row_and_their_recovery() {
    let rule = json!({"cron": "0 9 1 1 *", "alert_after": 2, "recover_after": 2});
    let mut watching = Watching::with(rule);
    for (number, status, at) in [
        (1, Failed, "09:00"),
        (2, Success, "09:01"),
        (3, Timeout, "09:02"),
        (4, Cancelled, "09:03"),
        (5, Failed, "09:04"),
        (6, Failed, "09:05"),
        (7, Success, "09:06"),
        (8, Success, "09:07"),
    ] {
        watching.beat(number, status, at);
    }
    assert_eq!(watching.sent(), ["09:04 run_failed firing", "09:07 run_failed resolved"]);
    assert_eq!(watching.messages[1].count, 3);
    let last = watching.judge.last_success().unwrap();
    assert_eq!((last.run, last.finished_at), (run(8), time("09:07")));
}

/// AC-28: a replayed failure opens nothing; a replayed success resolves.
#[test]
fn ac_28_a_replay_opens_no_incident() {
    let mut watching = Watching::of(AgentJudge::new(None));
    watching.end(1, Failed, "09:00", true);
    assert!(watching.edges.is_empty());
    watching.end(2, Failed, "09:01", false);
    watching.end(3, Success, "09:02", true);
    assert_eq!(watching.sent(), ["09:01 run_failed firing", "09:02 run_failed resolved"]);
}

/// AC-69: ten changes in an hour are one message, then silence until it is stable; who got an alert gets its recovery.
#[test]
fn ac_69_flapping_is_said_once() {
    let mut watching = Watching::of(AgentJudge::new(None));
    for change in 0..12 {
        let status = if change % 2 == 0 { Failed } else { Success };
        watching.beat(change, status, &format!("09:{:02}", change * 4));
    }
    let sent = watching.sent();
    assert_eq!(sent.len(), 7, "{sent:?}");
    assert_eq!(sent[6], "09:24 run_failed flapping");
    assert!(sent[..6].iter().all(|sent| sent.ends_with("firing") || sent.ends_with("resolved")));
    assert_eq!(watching.edges.len(), 12, "all incidents are there");
    // An hour after the last change it is stable, and alerts as before.
    watching.to("10:44");
    watching.beat(20, Failed, "10:45");
    assert_eq!(watching.sent()[7..], ["10:45 run_failed firing"]);
}

/// What is open once it is stable fires then: its opening was not sent.
#[test]
fn what_stays_open_after_flapping_fires() {
    let mut watching = Watching::of(AgentJudge::new(None));
    for change in 0..9 {
        let status = if change % 2 == 0 { Failed } else { Success };
        watching.beat(change, status, &format!("09:{:02}", change * 4));
    }
    watching.beat(9, Failed, "09:40");
    watching.to("10:31:59");
    assert_eq!(watching.sent().len(), 7);
    watching.to("10:32");
    watching.beat(10, Success, "10:50");
    assert_eq!(watching.sent()[7..], ["10:32 run_failed firing", "10:50 run_failed resolved"]);
}

#[test]
fn an_incident_that_stays_open_is_sent_again_after_a_day() {
    let quiet = RoutePolicy { route: "quiet", reminders: false, ..OPS };
    let judge = AgentJudge::new(None);
    let mut watching = Watching { routes: vec![OPS, quiet], ..Watching::of(judge) };
    watching.beat(1, Failed, "09:00");
    watching.watch_until(time("09:00").plus_millis(3 * 86_400_000 - 1));
    let reminder = "09:00 run_failed reminder";
    assert_eq!(watching.sent(), ["09:00 run_failed firing", reminder, reminder]);
    assert_eq!(watching.sent_to("quiet"), ["09:00 run_failed firing"]);
    let ids: BTreeSet<_> = watching.messages.iter().map(|message| message.id).collect();
    assert_eq!(ids.len(), watching.messages.len());
}

/// Two weeks down: one message asks whether it is still wanted, to every route, and then there is one a week at most.
#[test]
fn an_incident_of_two_weeks_is_asked_about_once_and_then_weekly() {
    let quiet = RoutePolicy { route: "quiet", reminders: false, ..OPS };
    let daily = Watching::with(json!({"cron": "0 9 * * *", "tolerance_s": 600}));
    let mut watching = Watching { routes: vec![OPS, quiet], ..daily };
    watching.to("2026-06-14T10:00:00Z");
    for route in ["ops", "quiet"] {
        let of_route: Vec<&AlertMessage> = watching.messages.iter().filter(|message| message.route == route).collect();
        let long: Vec<String> = of_route
            .iter()
            .filter(|message| message.is_broken_for_long)
            .map(|message| format!("{} {}", &message.timestamp.to_string()[5..16], message.edge.as_str()))
            .collect();
        assert_eq!(long, ["05-29T09:10 reminder", "06-05T09:10 repeat", "06-12T09:10 repeat"], "{route}");
        assert_eq!(of_route.len(), 14 + 3, "{route}: one a day before");
    }
    watching.opened(1, "2026-06-15T09:02:00Z");
    watching.to("2026-06-15T10:00:00Z");
    let resolved = watching.messages.last().unwrap();
    assert!(!resolved.is_broken_for_long, "{resolved:?}");
}

/// A run that failed once, and has not run since, is no such thing: it is not known whether it would fail again.
#[test]
fn one_failure_is_reminded_of_daily_however_long_ago() {
    let mut watching = Watching::of(AgentJudge::new(None));
    watching.beat(1, Failed, "09:00");
    watching.watch_until(time("09:00").plus_millis(20 * 86_400_000 - 1));
    assert_eq!(watching.messages.len(), 20);
    assert!(watching.messages.iter().all(|message| !message.is_broken_for_long));
}

#[test]
fn a_route_gets_what_it_wants_and_the_recovery_of_what_it_got() {
    let only = RoutePolicy { route: "only", kinds: Some(&[AlertKind::RunFailed]), ..OPS };
    let grave = RoutePolicy { route: "grave", min_severity: AlertSeverity::Critical, ..OPS };
    let errors = RoutePolicy { route: "errors", min_severity: AlertSeverity::Error, ..OPS };
    let mut watching = Watching { routes: vec![only, grave, errors], ..hourly() };
    watching.beat(1, Success, "10:00");
    watching.to("10:30");
    assert_eq!(watching.sent_to("only"), Vec::<String>::new());
    assert_eq!(watching.sent_to("grave"), Vec::<String>::new());
    assert_eq!(watching.sent_to("errors"), ["09:10 schedule_missed firing", "10:00 schedule_missed resolved"]);
}

#[test]
fn an_incident_ends_with_its_schedule() {
    let mut watching = hourly();
    watching.judge.change(time("09:30"), ScheduleChange::Removed);
    watching.to("12:00");
    assert_eq!(watching.sent(), ["09:10 schedule_missed firing", "09:30 schedule_missed resolved"]);
}

/// AC-68: more than five openings of a route and minute are one message.
#[test]
fn ac_68_a_storm_is_one_message() {
    let openings = |count: u128| -> Vec<AlertMessage> {
        let opening = |number| {
            let mut watching = Watching { agent: agent(number), ..hourly() };
            watching.to("09:30");
            watching.messages.remove(0)
        };
        (0..count).map(opening).collect()
    };
    assert!(grouped(Region::Eu, openings(5)).iter().all(|leaving| matches!(leaving, Leaving::Single(_))));
    let mut fifty = openings(50);
    let all = grouped(Region::Eu, fifty.clone());
    let [Leaving::Group(group)] = &all[..] else { panic!("{all:?}") };
    assert_eq!((group.messages.len(), group.kind, group.route.as_str()), (50, AlertKind::ScheduleMissed, "ops"));
    fifty.reverse();
    assert_eq!(grouped(Region::Eu, fifty), all, "in whatever order they are judged");
}
