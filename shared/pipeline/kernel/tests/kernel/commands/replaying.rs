//! A record that stands on the log a second time, or whose decision is tried a second time.

use tidegate_kernel::Position;
use tidegate_kernel::command::{CommandOutcome, Fact, Judged, Prior, judge};

use super::purse::{Command, Purse, Refusal};
use super::{answered, at, envelope, place, state};

fn is_duplicate(prior: &[Fact<Purse>], origin: Option<Position>) -> bool {
    let (mut now, before) = (state(5, 100, 9), state(8, 100, 9));
    let mut second = place(8, 200);
    second.origin = origin;
    let prior = Prior { attempt: prior, key: &[] };
    let judged = judge(&mut now, &envelope(Command::Deposit(1), 200), second, prior);
    let is_duplicate = matches!(judged, Judged::Duplicate);
    if is_duplicate {
        assert_eq!(now, before, "only the position moves");
    }
    is_duplicate
}

#[test]
fn a_fact_of_its_attempt_at_a_lower_position_makes_it_a_duplicate() {
    let refused = Fact { outcome: CommandOutcome::Refused(Refusal::NoHold), ..answered(2, 50, 1) };
    for (prior, expected) in [
        (vec![], false),
        (vec![answered(2, 50, 1)], true),
        (vec![refused], true),
        (vec![answered(7, 50, 1)], true),
        // What the first try of this decision wrote.
        (vec![answered(8, 200, 1)], false),
        // Written by a consumer that is further.
        (vec![answered(9, 200, 1)], false),
        (vec![answered(8, 200, 1), answered(2, 50, 1)], true),
    ] {
        assert_eq!(is_duplicate(&prior, None), expected, "{prior:?}");
    }
}

#[test]
fn a_replay_of_what_the_book_includes_is_a_duplicate_though_no_fact_is_left() {
    for (origin, expected) in [
        (None, false),
        (Some(at(0)), true),
        (Some(at(5)), true),
        // Appended again before it was decided: it is decided where it stands.
        (Some(at(6)), false),
        (Some(Position { partition: 4, ..at(0) }), false),
        (Some(Position { generation: 2, ..at(0) }), false),
    ] {
        assert_eq!(is_duplicate(&[], origin), expected, "{origin:?}");
    }
}

#[test]
fn a_replay_to_an_owner_without_a_book_is_decided() {
    let mut now = super::State::default();
    let mut first = place(8, 200);
    first.origin = Some(at(2));
    let judged = judge(&mut now, &envelope(Command::Deposit(1), 200), first, Prior::NONE);
    assert!(matches!(judged, Judged::Decided(_)));
}
