//! The rules of a run's life, one by one.

use std::collections::BTreeMap;

use tidegate_agentping::run::{Closing, Repeats};
use tidegate_agentping::{Body, FinishStatus, Heartbeat, HeartbeatStatus, Outcome, Run, RunState, RunStatus, Start};
use tidegate_kernel::{Month, Usd};

use crate::samples::{at, event, finish, heartbeat, idle_start, json, record, start};

fn folded(records: impl IntoIterator<Item = (i64, Body)>) -> (Run, Vec<Outcome>) {
    let mut state = RunState::default();
    let outcomes = records.into_iter().map(|(received, body)| state.apply(record(received, body)).outcome).collect();
    (state.run, outcomes)
}

/// AP-27: a finished run is immutable; the first finish stays.
#[test]
fn the_first_finish_stays() {
    let (run, outcomes) = folded([
        (0, Body::Start(start("a", 0))),
        (10, Body::Finish(finish(FinishStatus::Success, 10))),
        (20, Body::Finish(finish(FinishStatus::Failed, 20))),
    ]);
    assert_eq!(outcomes, [Outcome::Applied, Outcome::Applied, Outcome::Duplicate]);
    assert_eq!(run.status_at(at(99)), RunStatus::Success);
    assert_eq!(run.finished_at(at(99)), Some(at(10)));
}

/// AP-22: late events add to the cost and leave status and finish alone.
#[test]
fn late_events_cost_and_change_nothing_else() {
    let (run, _) = folded([
        (0, Body::Start(start("a", 0))),
        (10, Body::Finish(finish(FinishStatus::Success, 10))),
        (20, Body::Events(vec![event(1, 500, true)])),
    ]);
    assert_eq!(run.cost(), Usd::from_nanos(500));
    assert!(run.errored);
    assert_eq!((run.status_at(at(99)), run.finished_at(at(99))), (RunStatus::Success, Some(at(10))));
}

/// What contradicts the stored start is refused and remembered as a conflict.
#[test]
fn contradictions_lose_and_are_marked() {
    for (other, body) in [
        ("agent", Body::Start(start("b", 0))),
        ("start time", Body::Start(start("a", 1))),
        ("heartbeat's agent", Body::Heartbeat(heartbeat("b", HeartbeatStatus::Ok))),
        (
            "heartbeat's start time",
            Body::Heartbeat(Heartbeat { started_at: Some(at(1)), ..heartbeat("a", HeartbeatStatus::Ok) }),
        ),
    ] {
        let (run, outcomes) = folded([(0, Body::Start(start("a", 0))), (5, body)]);
        assert_eq!(outcomes[1], Outcome::Conflict, "other {other}");
        assert!(run.conflicted && run.finish.is_none(), "other {other}");
    }
}

/// Told again, a record that contradicted a run still does, whatever opened the run meanwhile.
#[test]
fn what_contradicted_once_still_does() {
    let closing = Heartbeat { started_at: Some(at(1)), ..heartbeat("a", HeartbeatStatus::Ok) };
    let other = (30, Body::Start(start("a", 2)));
    let log = [
        (10, Body::Heartbeat(closing)),
        other.clone(),
        // Names no time, so it agrees with both.
        (20, Body::Heartbeat(heartbeat("a", HeartbeatStatus::Start))),
    ];
    let (once, outcomes) = folded(log.clone());
    assert_eq!(outcomes, [Outcome::Applied, Outcome::Conflict, Outcome::Applied]);
    let (again, outcomes) = folded(log.into_iter().chain([other]));
    assert_eq!(outcomes.last(), Some(&Outcome::Conflict));
    assert_eq!(again, once);
}

/// An event id with other content loses; the rest of its batch is taken.
#[test]
fn an_event_with_other_content_loses() {
    let mut other = event(1, 900, false);
    other.content_hash += 1;
    let (run, outcomes) = folded([
        (0, Body::Events(vec![event(1, 500, false)])),
        (1, Body::Events(vec![other.clone(), event(2, 7, false)])),
        (2, Body::Events(vec![other])),
    ]);
    assert_eq!(outcomes, [Outcome::Applied, Outcome::Applied, Outcome::Conflict]);
    assert_eq!((run.events, run.cost()), (2, Usd::from_nanos(507)));
    assert!(run.conflicted);
}

/// A store that an earlier build filled has its hash of the same content; other content still loses.
#[test]
fn an_event_stored_by_an_earlier_build_is_known_again() {
    let stored = event(1, 500, false);
    let mut again = stored.clone();
    (again.content_hash, again.earlier_hash) = (77, Some(stored.content_hash));
    let mut other = again.clone();
    (other.content_hash, other.earlier_hash) = (78, Some(79));
    let (run, outcomes) = folded([
        (0, Body::Events(vec![stored])),
        (1, Body::Events(vec![again.clone()])),
        (2, Body::Events(vec![other])),
    ]);
    assert_eq!(outcomes, [Outcome::Applied, Outcome::Duplicate, Outcome::Conflict]);
    assert_eq!(run.events, 1);
    // Of two that this build stores the earlier hash decides nothing.
    let mut twin = again.clone();
    twin.content_hash = 80;
    let (_, outcomes) = folded([(0, Body::Events(vec![again])), (1, Body::Events(vec![twin]))]);
    assert_eq!(outcomes, [Outcome::Applied, Outcome::Conflict]);
}

/// Earlier builds kept the blanks that a client put around an agent's name.
#[test]
fn blanks_around_a_stored_name_are_no_conflict() {
    let (run, outcomes) = folded([(0, Body::Start(start("nightly ", 1))), (1, Body::Start(start("nightly", 1)))]);
    assert_eq!(outcomes, [Outcome::Applied, Outcome::Duplicate]);
    assert!(!run.conflicted);
}

/// AP-65: an idle run closes at its deadline, dated at its last activity; an event reopens it; an explicit finish
/// ends that.
#[test]
fn silence_closes_and_activity_reopens() {
    let opening = (0, Body::Start(idle_start("a", 60)));
    let (run, _) = folded([opening.clone()]);
    assert_eq!(run.status_at(at(59_999)), RunStatus::Running);
    assert_eq!(run.status_at(at(60_000)), RunStatus::Success);
    assert_eq!(run.finished_at(at(60_000)), Some(at(0)));
    assert_eq!(run.duration_ms(at(60_000)), Some(0));

    let late_event = (100_000, Body::Events(vec![event(1, 0, false)]));
    let (run, _) = folded([opening.clone(), late_event.clone()]);
    assert_eq!(run.status_at(at(159_999)), RunStatus::Running);
    assert_eq!(run.finished_at(at(160_000)), Some(at(100_000)));

    // AP-66: a repeated start is activity too.
    let (run, outcomes) = folded([opening.clone(), (70_000, Body::Start(idle_start("a", 60)))]);
    assert_eq!(outcomes[1], Outcome::Duplicate);
    assert_eq!(run.status_at(at(129_999)), RunStatus::Running);

    let (run, _) = folded([opening, (10, Body::Finish(finish(FinishStatus::Failed, 10))), late_event]);
    assert_eq!(run.status_at(at(100_001)), RunStatus::Failed);
}

/// A run without the field never closes by itself.
#[test]
fn a_run_without_idle_rule_stays_open() {
    let (run, _) = folded([(0, Body::Start(start("a", 0)))]);
    assert_eq!(run.status_at(at(i64::from(u32::MAX) * 1_000)), RunStatus::Running);
}

/// AP-33 to AP-36: a heartbeat's duration and cost.
#[test]
fn heartbeat_durations_and_costs() {
    let beat = |edit: fn(&mut Heartbeat)| {
        let mut beat = heartbeat("a", HeartbeatStatus::Ok);
        edit(&mut beat);
        folded([(50_000, Body::Heartbeat(beat))]).0
    };
    let derived = beat(|beat| (beat.started_at, beat.finished_at) = (Some(at(0)), Some(at(12_300))));
    assert_eq!(derived.duration_ms(at(0)), Some(12_300));
    let given = beat(|beat| (beat.started_at, beat.duration_ms) = (Some(at(0)), Some(7)));
    assert_eq!(given.duration_ms(at(0)), Some(7));
    let backwards = beat(|beat| (beat.started_at, beat.finished_at) = (Some(at(10)), Some(at(0))));
    assert_eq!((backwards.duration_ms(at(0)), backwards.ends_before_start(at(0))), (None, true));
    let given =
        beat(|beat| (beat.started_at, beat.finished_at, beat.duration_ms) = (Some(at(10)), Some(at(0)), Some(7)));
    assert_eq!((given.duration_ms(at(0)), given.ends_before_start(at(0))), (Some(7), true), "AP-35");
    assert!(!derived.ends_before_start(at(0)));
    let priced = beat(|beat| beat.cost = Some(Usd::from_nanos(84_000_000)));
    assert_eq!(priced.cost().to_string(), "0.084");
}

/// The closing heartbeat's word goes before the opening one's.
#[test]
fn the_closing_heartbeat_has_the_last_word() {
    let mut opening = heartbeat("a", HeartbeatStatus::Start);
    (opening.cost, opening.input_tokens) = (Some(Usd::from_nanos(1)), Some(10));
    let mut closing = heartbeat("a", HeartbeatStatus::Fail);
    closing.cost = Some(Usd::from_nanos(2));
    let (run, _) = folded([(0, Body::Heartbeat(opening)), (9, Body::Heartbeat(closing))]);
    assert_eq!(run.cost(), Usd::from_nanos(2));
    assert_eq!(run.reported(|reported| reported.input_tokens), Some(10));
    assert_eq!((run.status_at(at(0)), run.duration_ms(at(0))), (RunStatus::Failed, Some(9)));
}

/// Finish metadata is merged over the start's, finish keys winning, numbers as written.
#[test]
fn metadata_is_merged() {
    let opened = Start { metadata: Some(json(r#"{"a":1.50,"b":"x"}"#)), ..start("a", 0) };
    let mut closed = finish(FinishStatus::Success, 1);
    closed.metadata = Some(json(r#"{"b":"y","c":null}"#));
    let (run, _) = folded([(0, Body::Start(opened.clone())), (1, Body::Finish(closed))]);
    assert_eq!(
        run.metadata().map(|merged| merged.as_str().to_owned()).as_deref(),
        Some(r#"{"a":1.50,"b":"y","c":null}"#)
    );
    let (run, _) = folded([(0, Body::Start(opened))]);
    assert_eq!(run.metadata(), Some(json(r#"{"a":1.50,"b":"x"}"#)));
}

/// Closing calls under a closed run's id change nothing but the count of them; one that was counted is not again.
#[test]
fn closings_that_come_again_are_counted_once_each() {
    let beat = |at, status| (at, Body::Heartbeat(heartbeat("a", status)));
    let first = beat(0, HeartbeatStatus::Ok);
    let nights = [beat(100, HeartbeatStatus::Ok), beat(200, HeartbeatStatus::Fail), beat(300, HeartbeatStatus::Ok)];
    let closed = |run: Run| run.finish.expect("closed");
    let once = closed(folded([first.clone()]).0);
    assert_eq!(once.repeats, None);
    let history: Vec<_> = std::iter::once(first.clone()).chain(nights.clone()).collect();
    let (run, outcomes) = folded(history.clone());
    assert_eq!(outcomes[1..], [Outcome::Duplicate; 3]);
    let expected =
        Repeats { times: 3, last_received_at: at(300), other_status: Some(FinishStatus::Failed), earlier: Vec::new() };
    assert_eq!(closed(run.clone()), Closing { repeats: Some(expected), ..once.clone() });
    assert_eq!((run.status_at(at(400)), run.units_in(Month::of(at(0)))), (RunStatus::Success, 1));
    // Replayed, in whole and in part.
    let (replayed, _) = folded(history.iter().chain(&history).chain(&nights[1..2]).cloned());
    assert_eq!(replayed, run);
    // A finish counts as a heartbeat does, and the same receipt is a retry that joined the first.
    let again = [
        first,
        (0, Body::Finish(finish(FinishStatus::Failed, 0))),
        (1, Body::Finish(finish(FinishStatus::Success, 0))),
    ];
    assert_eq!(
        closed(folded(again).0).repeats,
        Some(Repeats { times: 1, last_received_at: at(1), other_status: None, earlier: Vec::new() })
    );
}

/// Each repeat counts in the month of its receipt, for the agent of the opening; a replay moves none.
#[test]
fn repeats_count_in_the_month_of_their_receipt() {
    const DAY_MS: i64 = 24 * 3_600_000;
    let beat = |day: i64| (day * DAY_MS, Body::Heartbeat(heartbeat("cron", HeartbeatStatus::Ok)));
    let nights: Vec<_> = (0..100).map(beat).collect();
    let (run, _) = folded(nights.clone());
    let by_month = |run: &Run| -> Vec<(String, Month, u64)> {
        run.repeats_by_month().map(|(agent, month, times)| (agent.to_string(), month, times)).collect()
    };
    let mut expected: BTreeMap<Month, u64> = BTreeMap::new();
    nights[1..].iter().for_each(|(received, _)| *expected.entry(Month::of(at(*received))).or_default() += 1);
    let expected: Vec<_> = expected.into_iter().map(|(month, times)| ("cron".to_owned(), month, times)).collect();
    assert!(expected.len() >= 4, "{expected:?}");
    assert_eq!(by_month(&run), expected);
    let (replayed, _) = folded(nights.iter().chain(&nights).cloned());
    assert_eq!(replayed, run);

    // What builds before stored has no months: all of it is in that of the last one.
    let mut before = run.clone();
    if let Some(repeats) = before.finish.as_mut().and_then(|finish| finish.repeats.as_mut()) {
        repeats.earlier.clear();
    }
    let last = expected.last().expect("months").1;
    assert_eq!(by_month(&before), [("cron".to_owned(), last, 99)]);
    // Nothing is counted for a run that is not shown.
    let (orphan, _) = folded([
        (0, Body::Finish(finish(FinishStatus::Success, 0))),
        (DAY_MS, Body::Finish(finish(FinishStatus::Success, 0))),
    ]);
    assert!(orphan.finish.as_ref().is_some_and(|finish| finish.repeats.is_some()));
    assert_eq!(by_month(&orphan), []);
}
