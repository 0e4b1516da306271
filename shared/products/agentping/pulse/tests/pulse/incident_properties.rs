//! Incidents of random stories with edits, removals and pauses: two judges find the same, however they go, and so does
//! a plain model of each rule.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;
use tidegate_agentping::FinishStatus::{self, Failed, Success, Timeout};
use tidegate_agentping_pulse::{
    AgentJudge, AlertKind, Edge, IncidentEdge, IncidentId, RoutePolicy, ScheduleChange, SlotOutcome,
};
use tidegate_kernel::Timestamp;

use crate::judged::time;
use crate::samples::definition;
use crate::watching::*;

/// Minutes in which something is done, and those that are judged.
const MINUTES: i64 = 240;
const JUDGED_MINUTES: i64 = 420;

#[derive(Clone, Debug)]
enum Act {
    Opened,
    Beat(FinishStatus),
    Change(ScheduleChange),
}

/// What is done in which minute, in the order of time.
type Story = Vec<(i64, Act)>;

fn stories() -> impl Strategy<Value = Story> {
    let schedules = prop::sample::select(vec![
        json!({"cron": "*/10 * * * *", "tolerance_s": 300, "alert_after": 2, "max_runtime_s": 1_200}),
        json!({"cron": "*/10 * * * *", "tolerance_s": 3_600, "recover_after": 2, "max_runtime_s": 7_200}),
        json!({"cron": "*/30 * * * *", "tolerance_s": 120, "max_runtime_s": 600}),
        json!({"every_s": 900, "tolerance_s": 300}),
    ]);
    let change = prop_oneof![
        4 => schedules.prop_map(|members| ScheduleChange::Set(Arc::new(definition(members)))),
        1 => Just(ScheduleChange::Removed),
        1 => Just(ScheduleChange::Paused),
        1 => Just(ScheduleChange::Resumed),
    ];
    let act = prop_oneof![
        2 => Just(Act::Opened),
        4 => prop::sample::select(vec![Success, Failed, Timeout]).prop_map(Act::Beat),
        3 => change.prop_map(Act::Change),
    ];
    prop::collection::vec((0..MINUTES, act), 0..40).prop_map(|mut story| {
        story.sort_by_key(|(minute, _)| *minute);
        story
    })
}

fn minute(number: i64) -> Timestamp {
    time("09:00").plus_millis(number * 60_000)
}

/// `09:07:59`: so much of a minute is over.
fn clock(number: i64, second: u32) -> String {
    format!("{:02}:{:02}:{second:02}", 9 + number / 60, number % 60)
}

/// An agent that has run before, with the first schedule since before the story.
fn watching() -> Watching {
    let pager = RoutePolicy { route: "pager", holds_open: true, min_interval_s: 600, ..OPS };
    let members = json!({"cron": "*/10 * * * *", "tolerance_s": 300, "max_runtime_s": 1_800});
    Watching { routes: vec![OPS, pager], ..Watching::with(members) }
}

fn does(watching: &mut Watching, number: usize, at: i64, what: &Act) {
    let (number, at) = (number as u128, clock(at, 0));
    match what {
        Act::Opened => watching.opened(number, &at),
        Act::Beat(status) => watching.beat(number, *status, &at),
        Act::Change(change) => watching.judge.change(time(&at), change.clone()),
    }
}

/// A judge that goes minute by minute, slots being so many minutes behind runs.
fn in_time(story: &Story, lag: i64) -> Watching {
    let mut watching = watching();
    let mut acts = story.iter().enumerate().peekable();
    for now in 0..MINUTES {
        while let Some((number, (at, what))) = acts.next_if(|(_, (at, _))| *at == now) {
            does(&mut watching, number, *at, what);
        }
        watching.check(&clock(now, 59));
        watching.watch_until(minute(now - lag).plus_millis(-1));
    }
    at_the_end(watching)
}

/// A judge that catches up: it knows all changes from the beginning, goes from record to record, and starts again in
/// between.
fn catching_up(story: &Story, lag: i64, restart_every: usize) -> Watching {
    let mut watching = watching();
    for (number, (at, what)) in story.iter().enumerate().filter(|(_, (_, what))| matches!(what, Act::Change(_))) {
        does(&mut watching, number, *at, what);
    }
    for (number, (at, what)) in story.iter().enumerate().filter(|(_, (_, what))| !matches!(what, Act::Change(_))) {
        if *at > 0 {
            // What was due before the record was appended is judged before it.
            watching.check(&clock(at - 1, 59));
        }
        does(&mut watching, number, *at, what);
        watching.watch_until(minute(at - lag).plus_millis(-1));
        if number % restart_every == 0 {
            let text = serde_json::to_string(&watching.judge).unwrap();
            watching.judge = serde_json::from_str::<AgentJudge>(&text).unwrap();
        }
    }
    at_the_end(watching)
}

fn at_the_end(mut watching: Watching) -> Watching {
    watching.check(&clock(JUDGED_MINUTES, 0));
    watching.watch_until(minute(JUDGED_MINUTES));
    watching
}

/// What an incident's beginning and end looks like. A flapping one begins with its message, and begins again once it is
/// stable.
fn begins_and_ends(edges: &[IncidentEdge], kind: AlertKind) -> Vec<(Timestamp, bool)> {
    let mut open = None;
    let mut found = Vec::new();
    for edge in edges.iter().filter(|edge| edge.kind == kind) {
        match edge.edge {
            Edge::Firing | Edge::Flapping if open != Some(edge.incident) => {
                assert_eq!(open, None, "two are open: {edge:?}");
                open = Some(edge.incident);
                found.push((edge.timestamp, true));
            }
            Edge::Firing | Edge::Repeat => assert_eq!(open, Some(edge.incident), "{edge:?}"),
            Edge::Resolved => {
                assert_eq!(open.take(), Some(edge.incident), "{edge:?}");
                found.push((edge.timestamp, false));
            }
            Edge::Flapping | Edge::Reminder => panic!("{edge:?}"),
        }
    }
    found
}

/// So many wrong in a row begin an incident, so many right in a row end it.
#[derive(Default)]
struct Model {
    wrong: u16,
    right: u16,
    is_open: bool,
    found: Vec<(Timestamp, bool)>,
}

impl Model {
    fn went(&mut self, well: bool, at: Timestamp, (alert_after, recover_after): (u16, u16)) {
        (self.wrong, self.right) = if well { (0, self.right + 1) } else { (self.wrong + 1, 0) };
        let changes = if self.is_open { self.right >= recover_after } else { self.wrong >= alert_after };
        if changes && self.is_open == well {
            self.is_open = !self.is_open;
            self.found.push((at, self.is_open));
        }
    }

    /// Nothing is expected any more.
    fn over(&mut self, at: Timestamp) {
        if self.is_open {
            self.found.push((at, false));
        }
        (self.wrong, self.right, self.is_open) = (0, 0, false);
    }
}

/// Incidents of missed slots: by what became of each slot, and when its schedule was removed.
fn missed_by_the_rule(story: &Story, watching: &Watching) -> Vec<(Timestamp, bool)> {
    let is_set = |(at, what): &(i64, Act)| match what {
        Act::Change(ScheduleChange::Set(_)) => Some((*at, true)),
        Act::Change(ScheduleChange::Removed) => Some((*at, false)),
        _ => None,
    };
    // The last change of a minute counts.
    let set: BTreeMap<i64, bool> = story.iter().filter_map(is_set).collect();
    let mut removals = set.iter().filter(|(_, set)| !**set).map(|(at, _)| minute(*at)).peekable();
    let mut model = Model::default();
    for decision in &watching.slots {
        let Some(rule) = decision.rule else { continue };
        while let Some(at) = removals.next_if(|at| *at < decision.decided_at) {
            model.over(at);
        }
        let in_a_row = (rule.alert_after, rule.recover_after);
        match decision.outcome {
            SlotOutcome::Missed => model.went(false, decision.decided_at, in_a_row),
            SlotOutcome::Unknown | SlotOutcome::Skipped => {}
            _ => model.went(true, decision.decided_at, in_a_row),
        }
    }
    removals.for_each(|at| model.over(at));
    model.found
}

/// Incidents of failed runs: by the schedule that is in force when each ends, unless the agent is paused then.
fn failed_by_the_rule(story: &Story) -> Vec<(Timestamp, bool)> {
    let mut model = Model::default();
    for (at, what) in story {
        let Act::Beat(status) = what else { continue };
        let (mut rule, mut is_paused) = ((1, 1), false);
        for (_, before) in story.iter().take_while(|(from, _)| from < at) {
            match before {
                Act::Change(ScheduleChange::Set(set)) => rule = (set.alert_after, set.recover_after),
                Act::Change(ScheduleChange::Removed) => rule = (1, 1),
                Act::Change(ScheduleChange::Paused) => is_paused = true,
                Act::Change(ScheduleChange::Resumed) => is_paused = false,
                Act::Opened | Act::Beat(_) => {}
            }
        }
        model.went(*status == Success, minute(*at), if is_paused { (1, 1) } else { rule });
    }
    model.found
}

/// Each message has an id of its own, and a recovery follows a message of its incident to the same route.
fn assert_messages_are_paired(watching: &Watching) {
    let mut alerted: BTreeSet<(&str, IncidentId)> = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for message in &watching.messages {
        assert!(ids.insert(message.id), "{message:?}");
        let place = (message.route.as_str(), message.incident);
        match message.edge {
            Edge::Resolved => assert!(alerted.remove(&place), "{message:?}"),
            _ => _ = alerted.insert(place),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn incidents_are_those_of_the_rules_however_a_judge_goes(
        story in stories(),
        lags in (1..60i64, 1..60i64),
        restart_every in 1..5usize,
    ) {
        let (one, other) = (in_time(&story, lags.0), catching_up(&story, lags.1, restart_every));
        assert_messages_are_paired(&one);
        prop_assert_eq!(begins_and_ends(&one.edges, AlertKind::ScheduleMissed), missed_by_the_rule(&story, &one));
        prop_assert_eq!(begins_and_ends(&one.edges, AlertKind::RunFailed), failed_by_the_rule(&story));
        let [edges, other_edges] = [&one, &other].map(|judge| {
            let mut edges = judge.edges.clone();
            edges.sort_by_key(|edge| (edge.timestamp, edge.incident));
            edges
        });
        prop_assert_eq!(edges, other_edges);
        let [messages, other_messages] = [&one, &other].map(|judge| {
            let mut messages = judge.messages.clone();
            messages.sort_by_key(|message| (message.timestamp, message.id));
            messages
        });
        prop_assert_eq!(messages, other_messages);
    }

    /// Partitions are read each at its own pace. Whatever becomes known first: an agent is down if its newest run
    /// failed.
    #[test]
    fn the_newest_run_decides_in_whatever_order_runs_become_known(
        (ends, order) in prop::collection::vec(any::<bool>(), 1..20).prop_flat_map(|ends| {
            let order: Vec<usize> = (0..ends.len()).collect();
            (Just(ends), Just(order).prop_shuffle())
        }),
    ) {
        let mut watching = Watching::of(AgentJudge::new(None));
        for number in order {
            let status = if ends[number] { Success } else { Failed };
            watching.beat(number as u128, status, &clock(number as i64, 0));
        }
        begins_and_ends(&watching.edges, AlertKind::RunFailed);
        assert_messages_are_paired(&watching);
        let is_down = watching.judge.failed().track().open().is_some();
        prop_assert_eq!(is_down, !ends[ends.len() - 1]);
    }
}
