//! The crossing model, checked with all rules and with each one off.

use super::Crossing;
use super::properties::{ANSWERED_FINDS_BOTH_SIDES, COUNTS_ONCE, NONE_IS_LOST, SUM_IS_CONSERVED};
use crate::commands::log::Record;
use crate::commands::purse::{Command, PAYER};
use crate::commands::rules::{Attempts, Bounds, Rules, Write};
use crate::exhaustive::{assert_breaks, assert_holds};

fn record(attempt: u8, command: Command) -> Record {
    Record::new(PAYER, attempt, command)
}

/// A purchase, and a retry of it under the same key.
fn retried() -> Vec<Record> {
    vec![record(1, Command::Add(3)), record(2, Command::Buy(2)).keyed(7), record(3, Command::Buy(2)).keyed(7)]
}

/// Two purchases.
fn bought_twice() -> Vec<Record> {
    vec![record(1, Command::Add(3)), record(2, Command::Buy(2)), record(3, Command::Buy(1))]
}

#[test]
fn holds_for_zombies_on_both_sides() {
    let bounds = Bounds { max_poll: 1, partial_writes: false };
    let model = Crossing { max_assignments: [2, 2], bounds, ..Crossing::over(&retried()[..2]) };
    assert_holds("payer and provider, zombies on both sides", model);
}

#[test]
fn holds_for_a_purchase_that_is_retried() {
    assert_holds("payer and provider, a retry", Crossing::over(&retried()));
}

#[test]
fn holds_for_two_purchases() {
    assert_holds("payer and provider, two purchases", Crossing::over(&bought_twice()));
}

#[test]
fn without_effects_before_the_book_money_never_arrives() {
    let model = Crossing { payers: Rules::ALL.moving(Write::Book, Write::Effects), ..Crossing::over(&retried()) };
    assert_breaks("effects are written before the book", model, NONE_IS_LOST);
}

#[test]
fn without_knowing_an_effect_by_its_id_a_credit_counts_twice() {
    let model = || {
        let providers = Rules { attempts: Attempts::None, ..Rules::ALL };
        Crossing { providers, ..Crossing::over(&retried()) }
    };
    assert_breaks("who receives an effect knows it by its id", model(), COUNTS_ONCE);
    assert_breaks("who receives an effect knows it by its id", model(), SUM_IS_CONSERVED);
}

#[test]
fn without_naming_the_effects_a_repeat_is_answered_before_the_credit() {
    let payers = Rules { repeats_name_effects: false, ..Rules::ALL };
    let model = Crossing { payers, ..Crossing::over(&retried()) };
    assert_breaks("a repeat names the effects of the first decision", model, ANSWERED_FINDS_BOTH_SIDES);
}
