//! The voiding model, checked with all rules and with each one off.

use super::properties::{DRAINED_IS_REBUILT, STORE_IS_THE_LOGS, VOID_OR_DECIDED};
use super::{Looks, VoidRules, Voiding, WhileAsked};
use crate::commands::log::Record;
use crate::commands::purse::{Command, PAYER};
use crate::commands::rules::Rules;
use crate::exhaustive::{assert_breaks, assert_holds};

/// A command of newer rules, and one of the old ones after it, which they would decide differently.
fn log() -> Vec<Record> {
    vec![Record::new(PAYER, 1, Command::Add(9)).under(2), Record::new(PAYER, 2, Command::Buy(3))]
}

#[test]
fn holds_for_a_void_during_a_rollout() {
    assert_holds("a void during a rollout", Voiding::over(&log()));
}

fn breaks(rule: &str, rules: VoidRules, property: &'static str) {
    assert_breaks(rule, Voiding::over(&log()).under(rules), property);
}

#[test]
fn with_a_look_at_the_store_alone_a_zombie_decides_what_is_void() {
    let rules = VoidRules { looks: Looks::AtStore, ..VoidRules::ALL };
    breaks("void looks at the releases that have registered", rules, VOID_OR_DECIDED);
    breaks("void looks at the releases that have registered", rules, DRAINED_IS_REBUILT);
}

#[test]
fn without_asking_first_a_new_release_comes_between_the_look_and_the_void() {
    breaks("void asks before it looks", VoidRules { asks_first: false, ..VoidRules::ALL }, VOID_OR_DECIDED);
}

#[test]
fn without_registering_first_void_does_not_see_the_new_release() {
    let rules = VoidRules { registers_first: false, ..VoidRules::ALL };
    breaks("a release registers before it reads the voids", rules, VOID_OR_DECIDED);
}

#[test]
fn without_waiting_a_record_is_decided_while_void_is_about_to_settle() {
    let rules = VoidRules { while_asked: WhileAsked::Decides, ..VoidRules::ALL };
    breaks("who could decide the record waits while it is asked", rules, VOID_OR_DECIDED);
}

#[test]
fn with_skipping_what_is_only_asked_a_command_is_lost() {
    let rules = VoidRules { while_asked: WhileAsked::Skips, ..VoidRules::ALL };
    breaks("only what is in force is skipped", rules, DRAINED_IS_REBUILT);
}

#[test]
fn without_standing_at_books_of_newer_rules_an_old_release_decides_by_its_own() {
    let rules = Rules { stands_at_unknown_books: false, ..Rules::ALL };
    let model = Voiding { rules, ..Voiding::over(&log()) };
    assert_breaks("who does not know the rules of a book stands", model, STORE_IS_THE_LOGS);
}
