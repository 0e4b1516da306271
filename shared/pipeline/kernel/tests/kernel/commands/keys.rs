//! Idempotency keys: what repeats an earlier answer.

use tidegate_kernel::command::{Attempt, CommandOutcome, ContentFingerprint, Fact, FactId, Prior, judge};

use super::purse::{Answer, Command, Name, Purse};
use super::{answered, at, decided, keyed, place, state, time};

/// Decides a keyed deposit with fingerprint 1 at offset 8 and time 2,000.
fn outcome(facts: &[Fact<Purse>]) -> CommandOutcome<Purse> {
    let mut now = state(5, 100, 9);
    let deposit = keyed(Command::Deposit(1), 2_000, 1);
    let prior = Prior { attempt: &[], key: facts };
    let decision = decided(judge(&mut now, &deposit, place(8, 2_000), prior));
    let is_new = decision.outcome == CommandOutcome::Answered(Answer { balance: 10 });
    assert_eq!(decision.changed, is_new);
    let written: Vec<FactId> = decision.facts(&deposit, at(8)).into_iter().map(|(id, _)| id).collect();
    if is_new {
        assert_eq!(written.len(), 2);
    } else {
        assert_eq!(now, state(8, 100, 9), "only the position moves");
        assert_eq!(written, [FactId::Attempt(Attempt::from_bits(1))]);
    }
    decision.outcome
}

#[test]
fn the_newest_fact_below_the_position_counts_within_its_window() {
    let new = || CommandOutcome::Answered(Answer { balance: 10 });
    let repeated = |offset: i64| CommandOutcome::Repeated(Answer { balance: offset.unsigned_abs() });
    for (facts, expected) in [
        (vec![], new()),
        (vec![answered(2, 1_500, 1)], repeated(2)),
        (vec![answered(2, 1_500, 3)], CommandOutcome::Mismatched),
        // The window is 1,000 ms.
        (vec![answered(2, 1_001, 1)], repeated(2)),
        (vec![answered(2, 1_000, 1)], new()),
        (vec![answered(2, 1_000, 3)], new()),
        // The own fact, and one from further on.
        (vec![answered(8, 2_000, 1)], new()),
        (vec![answered(9, 2_000, 3)], new()),
        (vec![answered(9, 2_000, 3), answered(2, 1_500, 1)], repeated(2)),
        // Several, in any order.
        (vec![answered(2, 900, 3), answered(6, 1_950, 1)], repeated(6)),
        (vec![answered(6, 1_950, 1), answered(2, 900, 3)], repeated(6)),
        (vec![answered(2, 1_500, 1), answered(6, 1_950, 3)], CommandOutcome::Mismatched),
        // The newest decides, though an older one is in its window by its own time.
        (vec![answered(2, 1_500, 1), answered(6, 1_000, 1)], new()),
    ] {
        assert_eq!(outcome(&facts), expected, "{facts:?}");
    }
}

#[test]
fn a_repeat_goes_before_expiry() {
    let facts = [answered(2, 1_500, 1)];
    let deposit = keyed(Command::Deposit(1), 2_000, 1);
    let prior = Prior { attempt: &[], key: &facts };
    let decision = decided(judge(&mut state(5, 100, 9), &deposit, place(8, 90_000), prior));
    assert_eq!(decision.outcome, CommandOutcome::Repeated(Answer { balance: 2 }));
}

#[test]
fn facts_of_a_key_do_not_concern_a_command_without_one() {
    let facts = [answered(2, 1_500, 1)];
    let deposit = super::envelope(Command::Deposit(1), 2_000);
    let prior = Prior { attempt: &[], key: &facts };
    let decision = decided(judge(&mut state(5, 100, 9), &deposit, place(8, 2_000), prior));
    assert_eq!(decision.outcome, CommandOutcome::Answered(Answer { balance: 10 }));
}

#[test]
fn an_answer_that_changed_nothing_leaves_no_fact_of_its_key() {
    let look = keyed(Command::Look, 2_000, 1);
    let decision = decided(judge(&mut state(5, 100, 9), &look, place(8, 2_000), Prior::NONE));
    assert_eq!(decision.facts(&look, at(8)).len(), 1);
}

#[test]
fn the_fact_of_a_key_has_what_a_repeat_must_match() {
    let deposit = keyed(Command::Deposit(1), 2_000, 1);
    let decision = decided(judge(&mut state(5, 100, 9), &deposit, place(8, 2_000), Prior::NONE));
    let facts = decision.facts(&deposit, at(8));
    let [(FactId::Attempt(_), of_attempt), (FactId::Key(_), of_key)] = facts.as_slice() else {
        panic!("two facts: {facts:?}");
    };
    assert_eq!((of_attempt.fingerprint, of_key.fingerprint), (None, Some(ContentFingerprint(1))));
    assert_eq!((of_key.position, of_key.decided_at), (at(8), time(2_000)));
}

#[test]
fn who_repeats_waits_for_the_effects_of_the_first_too() {
    let effects = vec![(Name(8), Attempt::from_bits(77))];
    let first = [Fact { effects: effects.clone(), ..answered(2, 1_500, 1) }];
    let again = keyed(Command::Spend { id: 4, to: Name(8) }, 2_000, 1);
    let prior = Prior { attempt: &[], key: &first };
    let decision = decided(judge(&mut state(5, 100, 9), &again, place(8, 2_000), prior));
    assert!(decision.follow.effects.is_empty(), "they are emitted once");
    let facts = decision.facts(&again, at(8));
    assert_eq!(facts[0].1.effects, effects);
}
