//! What is decided at all, what has expired, what is due, and by which rules.

use tidegate_kernel::command::{CommandOutcome, Decider, FactId, Judged, Rules};

use super::purse::{Answer, Command, Event, Hold, Name, Purse, Refusal, balance_row, hold_row};
use super::{OWNER, alone, at, decided, envelope, is_same, keyed, place, state, time};

#[test]
fn a_record_at_or_below_the_book_was_decided_before() {
    for offset in [0, 4, 5] {
        let (mut now, before) = (state(5, 100, 9), state(5, 100, 9));
        let judged = alone(&mut now, &envelope(Command::Deposit(1), 200), place(offset, 200));
        assert!(matches!(judged, Judged::Before), "{offset}");
        assert_eq!(now, before);
    }
    let mut now = state(5, 100, 9);
    let decision = decided(alone(&mut now, &envelope(Command::Deposit(1), 200), place(6, 200)));
    assert_eq!(decision.outcome, CommandOutcome::Answered(Answer { balance: 10 }));
    assert_eq!((now.book.balance, now.decided_to), (10, Some(at(6))));
}

#[test]
fn a_record_of_a_later_generation_is_above_the_book() {
    let mut now = state(5, 100, 9);
    let mut next = place(0, 200);
    next.position.generation = 2;
    decided(alone(&mut now, &envelope(Command::Deposit(1), 200), next));
    assert_eq!(now.decided_to, Some(next.position));
}

/// A command that reaches the log late, and whether it has expired.
#[test]
fn a_clients_command_that_reaches_the_log_late_has_expired_and_others_have_not() {
    for (command, late_ms, expires) in [
        (Command::Deposit(1), 60_000, false),
        (Command::Deposit(1), 60_001, true),
        (Command::Grant(1), 60_001, false),
        (Command::Credit(1), 60_001, false),
        (Command::Tick, 60_001, false),
    ] {
        let (mut now, before) = (state(5, 100, 9), state(6, 100, 9));
        let decision = decided(alone(&mut now, &envelope(command.clone(), 200), place(6, 200 + late_ms)));
        assert_eq!(decision.outcome == CommandOutcome::Expired, expires, "{command:?} {late_ms}");
        if expires {
            assert_eq!(now, before, "only the position moves");
            assert!(!decision.changed && decision.events.is_empty());
        }
    }
}

#[test]
fn an_expired_command_has_a_fact_of_its_attempt_and_none_of_its_key() {
    let late = keyed(Command::Deposit(1), 200, 1);
    let decision = decided(alone(&mut state(5, 100, 9), &late, place(6, 70_000)));
    let facts = decision.facts(&late, at(6));
    assert_eq!(facts.len(), 1);
    assert_eq!(
        (facts[0].0, &facts[0].1.outcome),
        (FactId::Attempt(late.attempt.expect("has one")), &CommandOutcome::Expired)
    );
}

/// The book's time, when a command was received, when the log took it, and the time it is decided at.
#[test]
fn the_time_of_a_decision_is_the_front_doors_cut_to_the_logs_and_never_goes_back() {
    for (book, received, appended, expected) in
        [(100, 200, 210, 200), (100, 200, 150, 150), (100, 50, 60, 100), (100, 99, 500, 100), (100, 900, 50, 100)]
    {
        let mut now = state(5, book, 9);
        let decision = decided(alone(&mut now, &envelope(Command::Look, received), place(6, appended)));
        assert_eq!((now.now, decision.decided_at), (time(expected), time(expected)), "{book} {received} {appended}");
    }
}

#[test]
fn what_is_due_happens_before_the_command_in_order_of_its_time_and_then_by_id() {
    let mut now = state(5, 100, 9);
    for (id, until) in [(1, 150), (2, 140), (3, 150), (4, 151)] {
        now.book.holds.insert(id, Hold { amount: 2, until: time(until) });
    }
    let decision =
        decided(alone(&mut now, &envelope(Command::Hold { id: 5, amount: 7, for_ms: 10 }, 150), place(6, 150)));
    let held = Event::Held { id: 5, hold: Hold { amount: 7, until: time(160) } };
    assert_eq!(decision.events, [Event::Lapsed { id: 2 }, Event::Lapsed { id: 1 }, Event::Lapsed { id: 3 }, held]);
    assert_eq!(
        decision.outcome,
        CommandOutcome::Answered(Answer { balance: 9 }),
        "7 are free once three holds have lapsed"
    );
    assert_eq!(Purse::due(&now.book), Some(time(151)));
    let delivered: Vec<&str> = decision.follow.deliveries.iter().map(|delivery| delivery.id.as_str()).collect();
    assert_eq!(delivered, ["purse-7-2-lapsed", "purse-7-1-lapsed", "purse-7-3-lapsed"]);
}

#[test]
fn a_refused_command_keeps_what_was_due_and_leaves_no_fact_of_its_key() {
    let mut now = state(5, 100, 9);
    now.book.holds.insert(1, Hold { amount: 2, until: time(150) });
    let refused = keyed(Command::Hold { id: 2, amount: 10, for_ms: 10 }, 150, 1);
    let decision = decided(alone(&mut now, &refused, place(6, 150)));
    assert_eq!(decision.outcome, CommandOutcome::Refused(Refusal::TooLittle { free: 9 }));
    assert_eq!((decision.changed, now.book.holds.len()), (false, 0), "the hold has lapsed");
    let facts: Vec<FactId> = decision.facts(&refused, at(6)).into_iter().map(|(id, _)| id).collect();
    assert_eq!(facts, [FactId::Attempt(refused.attempt.expect("has one"))]);
}

#[test]
fn a_tick_does_what_is_due_and_a_second_one_does_nothing() {
    let mut now = state(5, 100, 9);
    now.book.holds.insert(1, Hold { amount: 2, until: time(150) });
    let mut tick = envelope(Command::Tick, 150);
    tick.attempt = None;
    let first = decided(alone(&mut now, &tick, place(6, 150)));
    assert_eq!(first.events, [Event::Lapsed { id: 1 }]);
    assert!(first.facts(&tick, at(6)).is_empty(), "no client waits for it");
    let before = now.book.clone();
    let second = decided(alone(&mut now, &tick, place(7, 150)));
    assert!(second.events.is_empty() && second.follow.views.is_empty());
    assert_eq!(now.book, before);
}

#[test]
fn the_greater_rules_of_book_and_command_decide_and_stay() {
    for (book, named, expected_balance, expected_rules) in [(1, 1, 10, 1), (1, 2, 11, 2), (2, 1, 11, 2), (3, 2, 11, 3)]
    {
        let mut now = state(5, 100, 9);
        now.rules = Rules::new(book);
        let mut deposit = envelope(Command::Deposit(1), 200);
        deposit.rules = Rules::new(named);
        decided(alone(&mut now, &deposit, place(6, 200)));
        assert_eq!((now.book.balance, now.rules), (expected_balance, Rules::new(expected_rules)), "{book} {named}");
    }
}

#[test]
fn a_book_of_newer_rules_is_not_for_an_older_release() {
    let mut now = state(5, 100, 9);
    for (rules, is_known) in [(1, true), (3, true), (4, false)] {
        now.rules = Rules::new(rules);
        assert_eq!(now.is_known_to(Purse::RULES), is_known, "{rules}");
    }
}

#[test]
fn an_effect_is_named_by_its_cause_and_by_the_facts_of_its_decision() {
    let decide = |offset| {
        let mut now = state(5, 100, 9);
        now.book.holds.insert(4, Hold { amount: 2, until: time(900) });
        let spend = keyed(Command::Spend { id: 4, to: Name(8) }, 150, 1);
        let decision = decided(alone(&mut now, &spend, place(offset, 150)));
        let facts = decision.facts(&spend, at(offset));
        (decision, facts)
    };
    let (decision, facts) = decide(6);
    let (again, _) = decide(7);
    is_same(&decision.follow.effects, &again.follow.effects);
    let effect = &decision.follow.effects[0];
    assert_eq!((effect.owner, &effect.command), (Name(8), &Command::Credit(2)));
    assert_eq!(facts.len(), 2, "of its attempt and of its key");
    assert!(facts.iter().all(|(_, fact)| fact.effects == [(effect.owner, effect.attempt)]));
    let rows: Vec<_> = decision.follow.views.iter().map(|change| (change.key.clone(), change.doc.clone())).collect();
    assert_eq!(rows, [(hold_row(OWNER, 4), None), (balance_row(OWNER), Some(b"7".to_vec()))]);
}
