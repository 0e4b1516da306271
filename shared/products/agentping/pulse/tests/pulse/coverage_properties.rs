//! AC-22: under any schedule, arrivals, order, lag and restarts, each slot has one outcome, and a run covers one slot at
//! most. What is decided does not depend on when it is decided.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate_agentping::{FinishStatus, RunId};
use tidegate_agentping_pulse::{
    Coverage, Definition, Doubt, DoubtReason, Doubts, OpenedRun, ScheduleChange, Slot, SlotDecision, SlotOutcome,
    Timing,
};
use tidegate_kernel::Timestamp;

use crate::judged::run;
use crate::samples::*;

/// Half a day in minutes.
const MINUTES: i64 = 720;

fn minute(minute: i64) -> Timestamp {
    at("2026-03-28T20:00:00Z").plus_millis(minute * 60_000)
}

#[derive(Clone, Debug)]
struct Story {
    seen: bool,
    openings: Vec<(OpenedRun, Option<FinishStatus>)>,
    changes: Vec<(Timestamp, ScheduleChange)>,
    doubts: Vec<Doubt>,
}

impl Story {
    /// The definition that is in force, and whether the agent is paused. Each holds after its own instant.
    fn in_force_at(&self, at: Timestamp) -> (Option<&Definition>, bool) {
        let mut in_force: (Option<&Definition>, bool) = (None, false);
        for (_, change) in self.changes.iter().filter(|(from, _)| *from < at) {
            match change {
                ScheduleChange::Set(set) => in_force.0 = Some(set),
                ScheduleChange::Removed => in_force.0 = None,
                ScheduleChange::Paused => in_force.1 = true,
                ScheduleChange::Resumed => in_force.1 = false,
            }
        }
        in_force
    }

    /// What is so of a slot by itself, given the runs that cover any: its schedule is in force, it is skipped while
    /// paused, its window holds its run, and without a run there was none for it.
    fn assert_is_right(&self, decision: &SlotDecision, covering: &BTreeSet<RunId>) {
        let SlotDecision { slot, outcome, .. } = *decision;
        let (definition, is_paused) = self.in_force_at(slot.at);
        let definition = definition.unwrap_or_else(|| panic!("there is no schedule: {decision:?}"));
        assert_eq!(outcome == SlotOutcome::Skipped, is_paused, "{decision:?}");
        let run = self.openings.iter().map(|(opened, _)| opened).find(|opened| Some(opened.run) == decision.run);
        match (outcome, run) {
            (SlotOutcome::Skipped, None) => {}
            (SlotOutcome::Missed | SlotOutcome::Unknown, None) => {
                // A period begins with each opening; of a calendar, one that covers another slot is none for this one.
                let (since, is_any) = match definition.timing {
                    Timing::Every { period_s } => (slot.at.plus_millis(1 - i64::from(period_s) * 1_000), true),
                    Timing::Cron { .. } => (slot.at, false),
                };
                let was_there = |opened: &&OpenedRun| {
                    let is_in_time = since <= opened.received_at && opened.received_at <= slot.deadline;
                    is_in_time && (is_any || !covering.contains(&opened.run))
                };
                let there = self.openings.iter().map(|(opened, _)| opened).find(was_there);
                assert_eq!(there, None, "{decision:?}");
            }
            (SlotOutcome::OkLate, Some(opened)) => {
                let is_held = |at: Timestamp| slot.holds(at);
                assert!(is_held(opened.received_at) || opened.started_at.is_some_and(is_held), "{decision:?}");
            }
            (_, Some(opened)) => assert!(slot.holds(opened.received_at), "{decision:?} {opened:?}"),
            (_, None) => panic!("no run covers it: {decision:?}"),
        }
    }
}

fn schedules() -> impl Strategy<Value = Value> {
    let crons = prop::sample::select(vec![
        "* * * * *",
        "*/7 * * * *",
        "0 * * * *",
        "30 2 * * *",
        "0,59 1-3 * * *",
        "5 */2 * * *",
    ]);
    let cron = (
        crons,
        prop::sample::select(vec![60, 300, 1_800, 7_200]),
        any::<bool>(),
        prop::sample::select(vec!["UTC", "Europe/Berlin"]),
    );
    let cron = cron.prop_map(|(cron, tolerance_s, start_unseen, timezone)| {
        json!({"cron": cron, "tolerance_s": tolerance_s, "start_unseen": start_unseen, "timezone": timezone})
    });
    let every = (prop::sample::select(vec![60, 900, 3_600]), any::<bool>());
    let every = every.prop_map(|(every_s, start_unseen)| json!({"every_s": every_s, "start_unseen": start_unseen}));
    prop_oneof![3 => cron, 1 => every]
}

fn changes() -> impl Strategy<Value = ScheduleChange> {
    prop_oneof![
        3 => schedules().prop_map(|members| ScheduleChange::Set(Arc::new(definition(members)))),
        1 => Just(ScheduleChange::Paused),
        1 => Just(ScheduleChange::Resumed),
        1 => Just(ScheduleChange::Removed),
    ]
}

fn ends() -> impl Strategy<Value = Option<FinishStatus>> {
    prop::sample::select(vec![
        None,
        Some(FinishStatus::Success),
        Some(FinishStatus::Failed),
        Some(FinishStatus::Timeout),
    ])
}

fn stories() -> impl Strategy<Value = Story> {
    let opening = (0..MINUTES * 60_000, prop::option::of(0..MINUTES * 60_000), ends());
    let openings = prop::collection::vec(opening, 0..60);
    let changes = (schedules(), prop::collection::vec((0..MINUTES, changes()), 0..4));
    let doubts = prop::collection::vec((0..MINUTES, 1..30i64), 0..3);
    (any::<bool>(), openings, changes, doubts).prop_map(|(seen, openings, (first, more), doubts)| {
        let opened = |(number, (received, started, end)): (usize, (i64, Option<i64>, _))| {
            let received_at = minute(0).plus_millis(received);
            let started_at = started.map(|started| minute(0).plus_millis(started).min(received_at));
            (OpenedRun { run: run(number as u128), received_at, started_at, ended: None }, end)
        };
        let first = (minute(-1), ScheduleChange::Set(Arc::new(definition(first))));
        let mut changes: Vec<_> = more.into_iter().map(|(at, change)| (minute(at), change)).collect();
        changes.sort_by_key(|(at, _)| *at);
        changes.insert(0, first);
        let doubt =
            |(from, length)| Doubt { from: minute(from), until: minute(from + length), reason: DoubtReason::Log };
        Story {
            seen,
            openings: openings.into_iter().enumerate().map(opened).collect(),
            changes,
            doubts: doubts.into_iter().map(doubt).collect(),
        }
    })
}

/// Everything is known first, and then judged in one step.
fn at_once(story: &Story) -> Vec<SlotDecision> {
    let (mut coverage, mut decisions) = (Coverage::new(story.seen.then(|| minute(-2))), Vec::new());
    let mut decide = |decision| decisions.push(decision);
    story.changes.iter().for_each(|(at, change)| coverage.change(*at, change.clone()));
    story.openings.iter().for_each(|(opened, _)| coverage.opened(*opened, &mut decide));
    story.openings.iter().for_each(|(opened, end)| {
        if let Some(status) = end {
            coverage.ended(opened.run, *status, &mut decide);
        }
    });
    coverage.advance(minute(MINUTES), &Doubts { of_all: &story.doubts, of_team: &[] }, &mut decide);
    decisions
}

/// Records arrive with a lag of their own, within the hold; the judge steps and restarts whenever it likes.
fn bit_by_bit(story: &Story, lags: &[i64], steps: &[i64], restarts: u64) -> Vec<SlotDecision> {
    const HOLD_MS: i64 = 30_000;
    let lag = |index: usize| lags[index % lags.len()];
    let mut arrivals: Vec<(Timestamp, usize, bool)> = Vec::new();
    for (index, (opened, end)) in story.openings.iter().enumerate() {
        let arrives = opened.received_at.plus_millis(lag(index));
        arrivals.push((arrives, index, false));
        if end.is_some() {
            arrivals.push((arrives.plus_millis(lag(index + 1) * 40), index, true));
        }
    }
    arrivals.sort_by_key(|(at, index, is_end)| (*at, *index, *is_end));
    let doubts = Doubts { of_all: &story.doubts, of_team: &[] };
    let (mut coverage, mut decisions) = (Coverage::new(story.seen.then(|| minute(-2))), Vec::new());
    let mut changes = story.changes.iter().peekable();
    let (mut now, mut arrivals, mut step) = (minute(-2), arrivals.into_iter().peekable(), 0);
    while now < minute(MINUTES + 60) {
        now = now.plus_millis(steps[step % steps.len()]);
        step += 1;
        let mut decide = |decision| decisions.push(decision);
        while let Some((at, change)) = changes.next_if(|(at, _)| *at <= now) {
            coverage.change(*at, change.clone());
        }
        while let Some((_, index, is_end)) = arrivals.next_if(|(at, ..)| *at <= now) {
            let (opened, end) = story.openings[index];
            match end.filter(|_| is_end) {
                Some(status) => coverage.ended(opened.run, status, &mut decide),
                None => coverage.opened(opened, &mut decide),
            }
        }
        coverage.advance(now.plus_millis(-HOLD_MS).min(minute(MINUTES)), &doubts, &mut decide);
        if step % 16 == 0 && restarts & (1 << (step / 16 % 64)) != 0 {
            let text = serde_json::to_string(&coverage).unwrap();
            coverage = serde_json::from_str(&text).unwrap();
        }
    }
    decisions
}

/// What is last said of each slot, and by which run; the outcomes before it may only have been coloured.
fn settled(decisions: &[SlotDecision]) -> BTreeMap<Timestamp, (SlotOutcome, Option<RunId>)> {
    let mut settled: BTreeMap<Timestamp, (SlotOutcome, Option<RunId>)> = BTreeMap::new();
    for decision in decisions {
        let before = settled.insert(decision.slot.at, (decision.outcome, decision.run));
        use SlotOutcome::{Failed, Missed, Ok, OkLate, Open, Timeout, Unknown};
        match (before, decision.outcome) {
            (None, _) => assert!(!decision.is_amendment, "{decision:?}"),
            (Some((Open, by)), Ok | Failed | Timeout) => assert_eq!(by, decision.run, "{decision:?}"),
            (Some((Missed | Unknown, _)), OkLate) => {}
            (before, _) => panic!("{before:?} became {decision:?}"),
        }
    }
    settled
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn ac_22_each_slot_has_one_outcome_whenever_it_is_judged(
        story in stories(),
        lags in prop::collection::vec(0..29_000i64, 1..8),
        steps in prop::collection::vec(prop::sample::select(vec![45_000i64, 60_000, 600_000, 7_200_000]), 1..8),
        restarts in any::<u64>(),
    ) {
        let decisions = at_once(&story);
        let once = settled(&decisions);
        let twice = settled(&bit_by_bit(&story, &lags, &steps, restarts));
        prop_assert_eq!(&once, &twice);
        let runs: Vec<RunId> = once.values().filter_map(|(_, run)| *run).collect();
        let covering: BTreeSet<RunId> = runs.iter().copied().collect();
        prop_assert_eq!(covering.len(), runs.len(), "a run covers two slots");
        let last: BTreeMap<Timestamp, &SlotDecision> =
            decisions.iter().map(|decision| (decision.slot.at, decision)).collect();
        last.values().for_each(|decision| story.assert_is_right(decision, &covering));
    }

    /// The rule as it is written, for one definition: each opening in order takes the oldest slot that is free and whose
    /// window holds it.
    #[test]
    fn ac_22_the_plainest_matching_is_the_same(
        members in schedules().prop_filter("of a calendar", |members| members.get("cron").is_some()),
        received in prop::collection::vec(0..MINUTES * 60_000, 0..80),
    ) {
        let plan = definition(members);
        let first = (minute(-1), ScheduleChange::Set(Arc::new(plan.clone())));
        let opened = |(number, received): (usize, &i64)| OpenedRun {
            run: run(number as u128), received_at: minute(0).plus_millis(*received), started_at: None, ended: None,
        };
        let openings: Vec<OpenedRun> = received.iter().enumerate().map(opened).collect();
        let story = Story {
            seen: true, openings: openings.iter().map(|opened| (*opened, None)).collect(), changes: vec![first], doubts: vec![],
        };
        let expected = plainly(&plan, openings);
        let found: BTreeMap<Timestamp, Option<RunId>> =
            settled(&at_once(&story)).into_iter().map(|(at, (_, run))| (at, run)).collect();
        prop_assert_eq!(found, expected);
    }
}

fn plainly(plan: &Definition, mut openings: Vec<OpenedRun>) -> BTreeMap<Timestamp, Option<RunId>> {
    let first = plan.slot_after(minute(-1));
    let slots = std::iter::successors(first, |slot| plan.slot_following(slot.at));
    let slots: Vec<Slot> = slots.take_while(|slot| slot.window_from <= minute(MINUTES)).collect();
    let mut covered: BTreeMap<Timestamp, Option<RunId>> = BTreeMap::new();
    openings.sort_by_key(|opened| (opened.received_at, opened.run));
    for opened in openings {
        let is_free = |slot: &&Slot| !covered.contains_key(&slot.at) && slot.holds(opened.received_at);
        if let Some(slot) = slots.iter().find(is_free) {
            covered.insert(slot.at, Some(opened.run));
        }
    }
    for slot in &slots {
        if slot.deadline <= minute(MINUTES) {
            covered.entry(slot.at).or_insert(None);
        }
    }
    covered.retain(|at, _| *at <= minute(MINUTES));
    covered
}
