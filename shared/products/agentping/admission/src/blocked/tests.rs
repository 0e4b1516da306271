//! The decision of a blocked request, in tables.

use super::*;
use crate::per_claim::ClaimName;

const BOUNDS: BlockedBounds = BlockedBounds { wait_ms: 400, store_rounds: 4, lands_after_ms: 16_000 };
const SEEN: Timestamp = Timestamp::from_millis(77);
const REPORT: ClaimMode = ClaimMode::Ask(OnUnconfirmed::Report);
const JOIN: ClaimMode = ClaimMode::Ask(OnUnconfirmed::Join);
const TAKE_OVER: ClaimMode = ClaimMode::Ask(OnUnconfirmed::TakeOver { seen_renewed_at: SEEN });
const SETTLED: ClaimMode = ClaimMode::Settled;
const OTHER: Refusal = Refusal::EventConflict { index: 5 };

const fn unconfirmed(same_content: bool, age_ms: u64) -> Blocker {
    Blocker::Unconfirmed { same_content, renewed_at: SEEN, age_ms }
}

fn opening<T>(value: T) -> PerClaim<T> {
    PerClaim { opening: Some(value), ..PerClaim::NONE }
}

fn events<T>(values: Vec<T>) -> PerClaim<T> {
    PerClaim { events: values, ..PerClaim::NONE }
}

fn next(blocked: &mut Blocked, blockers: &PerClaim<Option<Blocker>>, ms: u64, store: Option<&StoreAnswer>) -> Action {
    blocked.next(&BOUNDS, Met { blockers, blocked_for: Duration::from_millis(ms), store })
}

/// A request for one run's opening that waited, and joins what it can.
fn joining(blockers: &PerClaim<Option<Blocker>>) -> Blocked {
    let mut blocked = Blocked::new(blockers.clone().map(|_| ()));
    assert_eq!(next(&mut blocked, blockers, 400, None), Action::AskGate);
    assert!(blocked.modes.iter().all(|mode| *mode == JOIN));
    blocked
}

#[test]
fn it_waits_longer_each_time_then_joins_then_asks_the_store() {
    let blockers = opening(Some(unconfirmed(false, 0)));
    let mut blocked = Blocked::new(opening(()));
    for pause_ms in [2, 4, 8, 16, 32, 50, 50] {
        let pause = Action::Wait(Duration::from_millis(pause_ms));
        assert_eq!(next(&mut blocked, &blockers, 399, None), pause);
        assert_eq!(blocked.modes, opening(REPORT));
    }
    assert_eq!(next(&mut blocked, &blockers, 400, None), Action::AskGate);
    assert_eq!(blocked.modes, opening(JOIN));
    // It waits no more, even if the time were less.
    assert_eq!(next(&mut blocked, &blockers, 0, None), Action::AskStore { with_lag: true });
}

#[test]
fn unconfirmed_claims_by_what_the_store_says() {
    let other = ByStore::Other(OTHER);
    for (same_content, age_ms, store, lag_ms, action, mode) in [
        (true, 0, ByStore::Absent, None, Action::AskGate, JOIN),
        (true, 0, other.clone(), Some(0), Action::AskGate, JOIN),
        (false, 0, ByStore::Same, None, Action::AskGate, SETTLED),
        (false, u64::MAX, other, Some(0), Action::Refuse(OTHER), JOIN),
        (false, 16_000, ByStore::Absent, Some(0), Action::RefuseUndecided, JOIN),
        (false, 16_001, ByStore::Absent, Some(0), Action::AskGate, TAKE_OVER),
        (false, 16_001, ByStore::Absent, Some(1), Action::RefuseUndecided, JOIN),
        (false, 26_001, ByStore::Absent, Some(10_000), Action::AskGate, TAKE_OVER),
        (false, u64::MAX, ByStore::Absent, None, Action::RefuseUndecided, JOIN),
        (false, u64::MAX, ByStore::Absent, Some(u64::MAX), Action::RefuseUndecided, JOIN),
    ] {
        let blockers = opening(Some(unconfirmed(same_content, age_ms)));
        let mut blocked = joining(&blockers);
        let answer = StoreAnswer { lag_ms, claims: opening(store) };
        let decided = next(&mut blocked, &blockers, 400, Some(&answer));
        assert_eq!((decided, blocked.modes), (action, opening(mode)), "{blockers:?} {answer:?}");
    }
}

#[test]
fn each_event_of_a_batch_is_decided_by_itself() {
    let blockers =
        events(vec![None, Some(unconfirmed(true, 9)), Some(unconfirmed(false, 9)), Some(unconfirmed(false, 99_999))]);
    let mut blocked = joining(&blockers);
    let claims = events(vec![ByStore::Absent, ByStore::Absent, ByStore::Same, ByStore::Absent]);
    let answer = StoreAnswer { lag_ms: Some(0), claims };
    assert_eq!(next(&mut blocked, &blockers, 400, Some(&answer)), Action::AskGate);
    assert_eq!(blocked.modes, events(vec![JOIN, JOIN, SETTLED, TAKE_OVER]));
}

#[test]
fn a_conflict_refuses_where_memory_proves_it_and_asks_the_store_elsewhere() {
    let proven = Blocker::Conflict { refusal: Some(OTHER) };
    let unproven = Blocker::Conflict { refusal: None };
    let mut blocked = Blocked::new(events(vec![(); 3]));
    let both = events(vec![Some(unproven.clone()), None, Some(proven)]);
    assert_eq!(next(&mut blocked, &both, 0, None), Action::Refuse(OTHER));
    let blockers = events(vec![Some(unproven), None, Some(unconfirmed(false, 0))]);
    assert_eq!(next(&mut blocked, &blockers, 0, None), Action::AskStore { with_lag: false }, "before any wait");
    for (store, action, mode) in [
        (ByStore::Same, Action::AskGate, SETTLED),
        (ByStore::Other(OTHER), Action::Refuse(OTHER), REPORT),
        (ByStore::Absent, Action::RefuseUndecided, REPORT),
    ] {
        let mut blocked = blocked.clone();
        let claims = events(vec![store, ByStore::Absent, ByStore::Absent]);
        let answer = StoreAnswer { lag_ms: None, claims };
        assert_eq!(next(&mut blocked, &blockers, 0, Some(&answer)), action);
        assert_eq!(blocked.modes.get(ClaimName::Event(0)), Some(&mode));
        assert_eq!(blocked.modes.get(ClaimName::Event(2)), Some(&REPORT), "its turn comes later");
    }
}

#[test]
fn claims_that_keep_changing_end_undecided() {
    let blockers = opening(Some(unconfirmed(false, 99_999)));
    let mut blocked = joining(&blockers);
    let answer = StoreAnswer { lag_ms: Some(0), claims: opening(ByStore::Absent) };
    for _ in 0..BOUNDS.store_rounds {
        assert_eq!(next(&mut blocked, &blockers, 400, None), Action::AskStore { with_lag: true });
        assert_eq!(next(&mut blocked, &blockers, 400, Some(&answer)), Action::AskGate);
    }
    assert_eq!(next(&mut blocked, &blockers, 400, None), Action::RefuseUndecided);

    let blockers = opening(Some(Blocker::Conflict { refusal: None }));
    let mut blocked = Blocked::new(opening(()));
    let answer = StoreAnswer { lag_ms: None, claims: opening(ByStore::Same) };
    for _ in 0..BOUNDS.store_rounds {
        assert_eq!(next(&mut blocked, &blockers, 0, Some(&answer)), Action::AskGate);
    }
    assert_eq!(next(&mut blocked, &blockers, 0, Some(&answer)), Action::RefuseUndecided);
}
