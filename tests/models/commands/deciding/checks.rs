//! The deciding model, checked with all rules and with each one off.

use super::Deciding;
use super::logs::{self, checked};
use super::properties::{
    ANSWERED_FINDS_ITS_ROWS, BOOK_IS_A_PREFIX, BOOKED_IS_ANSWERED, COMMITTED_IS_DECIDED, DRAINED_IS_SEQUENTIAL,
    MONEY_IS_CONSERVED, ONE_OUTCOME, VALUES_NEVER_DECIDE,
};
use crate::commands::log::Record;
use crate::commands::rules::{Attempts, Bounds, Rules, Write};
use crate::exhaustive::{assert_breaks, assert_holds};

#[test]
fn holds_for_a_key_that_is_retried() {
    assert_holds("a retried purchase", Deciding::over(&checked(logs::retried())));
}

#[test]
fn holds_for_writes_that_are_stored_in_part() {
    let bounds = Bounds { max_poll: 2, partial_writes: true };
    let model = Deciding { bounds, ..Deciding::over(&checked(logs::retried())).with_one_zombie() };
    assert_holds("writes in part", model);
}

#[test]
fn holds_for_a_refused_command_that_is_replayed() {
    assert_holds("a replayed refusal", Deciding::over(&checked(logs::refused_then_replayed())).with_one_zombie());
}

#[test]
fn holds_for_a_refused_command_that_is_on_the_log_twice() {
    assert_holds("a repeated refusal", Deciding::over(&checked(logs::refused_then_repeated())).with_one_zombie());
}

#[test]
fn holds_for_a_purchase_that_is_on_the_log_twice_and_a_reset() {
    let model = Deciding { max_resets: 1, ..Deciding::over(&checked(logs::bought_twice())).with_one_zombie() };
    assert_holds("a repeated purchase, a reset", model);
}

#[test]
fn holds_for_a_key_that_is_used_again_after_its_window() {
    assert_holds("a key after its window", Deciding::over(&checked(logs::key_used_again())));
}

#[test]
fn holds_for_a_key_whose_first_use_was_refused() {
    assert_holds("a refused key", Deciding::over(&checked(logs::refused_key())).with_one_zombie());
}

/// Facts of clients expire; then the header of a replay is what is left.
#[test]
fn holds_for_a_replay_without_facts() {
    let rules = Rules { attempts: Attempts::None, ..Rules::ALL };
    assert_holds("a replay, facts expired", Deciding::over(&checked(logs::replayed())).with_one_zombie().under(rules));
}

/// Switches one rule off and expects the breach that it prevents.
fn breaks(rule: &str, log: &[Record], switch_off: impl FnOnce(Rules) -> Rules, property: &'static str) {
    assert_breaks(rule, Deciding::over(log).with_one_zombie().under(switch_off(Rules::ALL)), property);
}

#[test]
fn without_facts_before_the_book_a_decided_command_has_no_answer() {
    let log = checked(logs::bought_twice());
    let rule = "facts are written before the book";
    breaks(rule, &log, |rules| rules.moving(Write::Book, Write::Facts), BOOKED_IS_ANSWERED);
    breaks(rule, &log, |rules| rules.moving(Write::Book, Write::Facts), COMMITTED_IS_DECIDED);
}

#[test]
fn without_effects_before_the_book_money_never_arrives() {
    let log = checked(logs::bought_twice());
    let rule = "effects are written before the book";
    breaks(rule, &log, |rules| rules.moving(Write::Book, Write::Effects), COMMITTED_IS_DECIDED);
}

#[test]
fn without_views_before_facts_an_answer_comes_before_its_rows() {
    let log = checked(logs::bought_twice());
    let rule = "views are written before facts";
    breaks(rule, &log, |rules| rules.moving(Write::Facts, Write::Views), ANSWERED_FINDS_ITS_ROWS);
}

#[test]
fn without_the_offset_last_a_command_is_lost() {
    let log = checked(logs::bought_twice());
    let rule = "the offset comes last";
    breaks(rule, &log, |rules| rules.moving(Write::Offset, Write::Views), BOOK_IS_A_PREFIX);
    breaks(rule, &log, |rules| rules.moving(Write::Offset, Write::Account), COMMITTED_IS_DECIDED);
}

#[test]
fn without_timestamps_by_position_a_zombie_turns_the_book_back() {
    let log = checked(logs::bought_twice());
    let rule = "values are written at the timestamp of their position";
    breaks(rule, &log, |rules| Rules { timestamps_are_positions: false, ..rules }, DRAINED_IS_SEQUENTIAL);
}

#[test]
fn without_facts_of_attempts_a_replay_buys_again() {
    let log = checked(logs::bought_twice());
    breaks(
        "an attempt is decided once",
        &log,
        |rules| Rules { attempts: Attempts::None, ..rules },
        DRAINED_IS_SEQUENTIAL,
    );
}

#[test]
fn without_facts_of_refusals_a_refused_command_succeeds_later() {
    let log = checked(logs::refused_then_repeated());
    breaks(
        "refusals are decided once, too",
        &log,
        |rules| Rules { attempts: Attempts::Answered, ..rules },
        DRAINED_IS_SEQUENTIAL,
    );
}

#[test]
fn with_facts_at_the_own_position_the_second_try_takes_itself_for_a_duplicate() {
    let log = checked(logs::bought_twice());
    let off = |rules| Rules { own_facts_do_not_count: false, ..rules };
    breaks("only facts below the own position count", &log, off, BOOK_IS_A_PREFIX);
    let log = checked(logs::retried());
    breaks("only facts below the own position count", &log, off, ONE_OUTCOME);
}

#[test]
fn with_facts_overwritten_a_key_used_again_hides_the_repeat_before_it() {
    let log = checked(logs::key_used_again());
    breaks("facts are insert-only", &log, |rules| Rules { facts_are_insert_only: false, ..rules }, ONE_OUTCOME);
}

#[test]
fn with_the_facts_read_first_a_repeat_is_decided_anew() {
    let off = |rules| Rules { book_before_facts: false, ..rules };
    breaks("the book is read before the facts", &checked(logs::bought_twice()), off, BOOK_IS_A_PREFIX);
    breaks("the book is read before the facts", &checked(logs::retried()), off, ONE_OUTCOME);
}

#[test]
fn with_decisions_by_a_view_what_was_half_written_counts_twice() {
    let log = checked(logs::bought_twice());
    breaks("decisions read no view", &log, |rules| Rules { decides_by_book: false, ..rules }, MONEY_IS_CONSERVED);
}

#[test]
fn with_rules_of_the_release_two_releases_decide_one_command_differently() {
    let log = checked(logs::bought_twice());
    let off = |rules| Rules { records_name_rules: false, ..rules };
    breaks("the record names its rules", &log, off, ONE_OUTCOME);
    breaks("the record names its rules", &log, off, VALUES_NEVER_DECIDE);
}

#[test]
fn with_books_in_memory_over_assignments_what_others_decided_is_lost() {
    let log = checked(logs::bought_twice());
    let off = |rules| Rules { memory_ends_with_assignment: false, ..rules };
    let model = Deciding { max_assignments: 3, ..Deciding::over(&log).with_one_zombie() };
    assert_breaks("a book in memory ends with its assignment", model.under(off(Rules::ALL)), DRAINED_IS_SEQUENTIAL);
}
