//! AP-29: start, events and finish in any order, with any repetition and any batching, end in one state, and that
//! state is what a simple model says it is.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tidegate_agentping::feed::{self, Arrival};
use tidegate_agentping::{
    Body, Event, EventId, FeedRow, FinishStatus, HeartbeatStatus, Outcome, Record, RunState, RunStatus,
};
use tidegate_kernel::{Month, Usd};

use crate::samples::{T0, at, event, finish, heartbeat, idle_start, record, start};

fn fold(records: &[Record]) -> (RunState, BTreeMap<EventId, Event>) {
    let mut state = RunState::default();
    let mut stored = BTreeMap::new();
    for record in records {
        for event in state.apply(record.clone()).new_events {
            assert!(stored.insert(event.id, event).is_none(), "an event was called new twice");
        }
    }
    (state, stored)
}

/// How a run may be opened and closed without contradicting itself.
#[derive(Clone, Copy, Debug)]
enum Shape {
    StartFinish,
    IdleStart,
    StartClosedByHeartbeat,
    HeartbeatPair,
    SingleHeartbeat,
    OnlyFinish,
}

fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        Just(Shape::StartFinish),
        Just(Shape::IdleStart),
        Just(Shape::StartClosedByHeartbeat),
        Just(Shape::HeartbeatPair),
        Just(Shape::SingleHeartbeat),
        Just(Shape::OnlyFinish),
    ]
}

fn ends(shape: Shape) -> Vec<Record> {
    let opened = record(5, Body::Start(start("a", 0)));
    let closed = record(900, Body::Heartbeat(heartbeat("a", HeartbeatStatus::Ok)));
    match shape {
        Shape::StartFinish => vec![opened, record(800, Body::Finish(finish(FinishStatus::Failed, 700)))],
        Shape::IdleStart => vec![record(5, Body::Start(idle_start("a", 60)))],
        Shape::StartClosedByHeartbeat => vec![opened, closed],
        Shape::HeartbeatPair => vec![record(3, Body::Heartbeat(heartbeat("a", HeartbeatStatus::Start))), closed],
        Shape::SingleHeartbeat => vec![closed],
        Shape::OnlyFinish => vec![record(800, Body::Finish(finish(FinishStatus::Success, 700)))],
    }
}

prop_compose! {
    /// Records of one run: its ends, its events in two independent batchings, some records twice, all shuffled.
    fn history()(
        shape in shape(),
        costs in prop::collection::vec((0u64..1_000, any::<bool>()), 0..12),
        first_cut in 1usize..5,
        second_cut in 1usize..5,
        repeats in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    )(
        records in Just({
            let events: Vec<Event> =
                costs.iter().enumerate().map(|(at, (cost, errored))| event(at as u128, *cost, *errored)).collect();
            let mut records = ends(shape);
            // A retry may cut the same events into other batches. Receipt times stay within one month.
            for batch in events.chunks(first_cut) {
                records.push(record(100, Body::Events(batch.to_vec())));
            }
            for batch in events.chunks(second_cut) {
                records.push(record(100, Body::Events(batch.to_vec())));
            }
            for index in &repeats {
                records.push(index.get(&records).clone());
            }
            records
        }).prop_shuffle(),
        costs in Just(costs),
        shape in Just(shape),
    ) -> (Shape, Vec<(u64, bool)>, Vec<Record>) {
        (shape, costs, records)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_order_ends_in_one_state((shape, costs, records) in history(), other in any::<prop::sample::Index>()) {
        let (state, stored) = fold(&records);
        let mut rotated = records.clone();
        rotated.rotate_left(other.index(records.len()));
        rotated.reverse();
        let (again, stored_again) = fold(&rotated);
        prop_assert_eq!(&state.run, &again.run);
        prop_assert_eq!(&stored, &stored_again);

        // The model: plain sums over what was sent.
        let run = &state.run;
        prop_assert_eq!(run.events, costs.len() as u64);
        prop_assert_eq!(stored.len(), costs.len());
        let cost: u64 = costs.iter().map(|(cost, _)| cost).sum();
        prop_assert_eq!(run.cost(), Usd::from_nanos(cost));
        prop_assert_eq!(run.errored, costs.iter().any(|(_, errored)| *errored));
        prop_assert!(!run.conflicted);
        let units = match shape {
            Shape::StartFinish | Shape::StartClosedByHeartbeat | Shape::HeartbeatPair => 2,
            Shape::IdleStart | Shape::SingleHeartbeat | Shape::OnlyFinish => 1,
        };
        prop_assert_eq!(run.units_in(Month::of(at(0))), units + costs.len() as u64);
        let now = at(10_000);
        let (status, duration) = match shape {
            Shape::StartFinish => (RunStatus::Failed, Some(700)),
            Shape::IdleStart => (RunStatus::Running, None),
            Shape::StartClosedByHeartbeat => (RunStatus::Success, Some(900)),
            Shape::HeartbeatPair => (RunStatus::Success, Some(897)),
            Shape::SingleHeartbeat => (RunStatus::Success, Some(0)),
            Shape::OnlyFinish => (RunStatus::Success, None),
        };
        prop_assert_eq!(run.status_at(now), status);
        prop_assert_eq!(run.duration_ms(now), duration);
        prop_assert_eq!(run.opening().is_none(), matches!(shape, Shape::OnlyFinish));
    }

    /// Folding in two goes, with the events loaded in between as a store would, is folding in one go; and records
    /// folded once more change nothing.
    #[test]
    fn a_restart_in_between_changes_nothing((_, _, records) in history(), cut in any::<prop::sample::Index>()) {
        let (whole, stored) = fold(&records);
        let (head, tail) = records.split_at(cut.index(records.len()));
        let (first, _) = fold(head);
        let mut second = RunState { run: first.run.clone(), known_events: first.known_events.clone() };
        let mut late = Vec::new();
        for record in head.iter().chain(tail).cloned() {
            late.extend(second.apply(record).new_events);
        }
        prop_assert_eq!(&second.run, &whole.run);
        prop_assert_eq!(late.len() + first.known_events.len(), stored.len());
        for record in records {
            prop_assert_ne!(second.apply(record).outcome, Outcome::Applied);
        }
        prop_assert_eq!(second.run, whole.run);
    }
}

proptest! {
    /// In whatever order a run's records come, its rows of the feed open it once, end it once, and add up to its cost.
    #[test]
    fn the_feed_adds_up_in_any_order((_, _, records) in history()) {
        let mut state = RunState::default();
        let arrival = Arrival { appended_at: at(0), replayed: false };
        let rows: Vec<FeedRow> =
            records.iter().filter_map(|record| feed::apply(&mut state, record.clone(), arrival).1).collect();
        let run = &state.run;
        let times = |did: fn(&FeedRow) -> bool| rows.iter().filter(|row| did(row)).count();
        prop_assert_eq!(times(|row| row.did.opened), usize::from(run.opening().is_some()));
        let is_ended = run.opening().is_some() && run.finish.is_some();
        prop_assert_eq!(times(|row| row.did.ended), usize::from(is_ended));
        let added: u64 = rows.iter().map(|row| row.cost.as_nanos() - row.cost_before.as_nanos()).sum();
        let shown = if run.opening().is_some() { run.cost() } else { Usd::ZERO };
        prop_assert_eq!(Usd::from_nanos(added), shown);
        // Folded again from wherever, they are the same rows or none.
        for record in records {
            prop_assert_eq!(feed::apply(&mut state, record, arrival).1, None);
        }
    }
}

#[test]
fn sample_times_lie_in_one_month() {
    assert_eq!(Month::of(at(0)), Month::of(at(10_000)));
    assert_eq!(at(0).as_millis(), T0);
}
