//! The admission model, checked with all rules and with each one off.

use super::Content::{A, B, C};
use super::properties::{
    CONFLICT_IS_TRUE, ON_LOG_WHEN_TOLD, ONE_CONTENT, REFUSAL_LEAVES_NOTHING, SLOT_IS_KEPT, STORED_WHEN_DRAINED,
};
use super::{Admission, Rules};
use crate::exhaustive::{assert_breaks, assert_holds};

#[test]
fn holds_for_four_requests_two_of_each_content() {
    assert_holds("A A B B", Admission::of(&[A, A, B, B]));
}

#[test]
fn holds_for_four_requests_three_of_one_content() {
    assert_holds("A A A B", Admission::of(&[A, A, A, B]));
}

#[test]
fn holds_for_four_requests_of_three_contents() {
    assert_holds("A A B C", Admission::of(&[A, A, B, C]));
}

#[test]
fn holds_when_failed_holders_leave_their_claim() {
    let model = Admission { failed_holders_leave: true, ..Admission::of(&[A, A, B, B]) };
    assert_holds("A A B B, failed holders leave", model);
}

#[test]
fn holds_when_the_claim_window_passes() {
    let model = Admission { window_may_pass: true, ..Admission::of(&[A, A, B, B]) };
    assert_holds("A A B B, the window may pass", model);
}

/// Switches one rule off and expects the breach that it prevents.
fn breaks(rule: &str, contents: &[super::Content], switch_off: impl FnOnce(&mut Rules), property: &'static str) {
    let mut rules = Rules::ALL;
    switch_off(&mut rules);
    assert_breaks(rule, Admission::of(contents).under(rules), property);
}

#[test]
fn without_confirming_after_the_ack_a_success_is_told_of_a_record_that_never_lands() {
    breaks(
        "a claim is confirmed only after the ack",
        &[A, A, B],
        |rules| rules.confirm_after_ack = false,
        STORED_WHEN_DRAINED,
    );
}

#[test]
fn without_joiners_appending_a_success_is_told_of_a_record_that_never_lands() {
    breaks("who joins appends too", &[A, A, B], |rules| rules.joiners_append = false, STORED_WHEN_DRAINED);
}

#[test]
fn without_joins_renewing_the_age_two_contents_are_accepted() {
    breaks("a join renews the claim's age", &[A, A, B], |rules| rules.joins_renew_age = false, ONE_CONTENT);
}

#[test]
fn without_the_sole_holder_rule_two_contents_are_accepted() {
    breaks("only a sole holder releases", &[A, A, B], |rules| rules.only_sole_holder_releases = false, ONE_CONTENT);
}

#[test]
fn without_a_release_naming_its_holder_two_contents_are_accepted() {
    breaks("a release names its holder", &[A, B, C], |rules| rules.release_names_holder = false, ONE_CONTENT);
}

#[test]
fn without_unknown_appends_keeping_their_claim_an_accepted_content_is_not_stored() {
    breaks(
        "an unknown append keeps its claim",
        &[A, B],
        |rules| rules.unknown_keeps_claim = false,
        STORED_WHEN_DRAINED,
    );
}

#[test]
fn without_unknown_appends_keeping_their_claim_a_refusal_leaves_a_record() {
    breaks(
        "an unknown append keeps its claim",
        &[A, B],
        |rules| rules.unknown_keeps_claim = false,
        REFUSAL_LEAVES_NOTHING,
    );
}

#[test]
fn with_lapsing_claims_an_accepted_content_is_not_stored() {
    breaks("no claim lapses", &[A, B], |rules| rules.no_claim_lapses = false, STORED_WHEN_DRAINED);
}

#[test]
fn without_an_age_before_takeover_two_contents_are_accepted() {
    breaks("a take-over waits for the age", &[A, B], |rules| rules.takeover_waits_for_age = false, ONE_CONTENT);
}

#[test]
fn without_asking_the_store_before_takeover_an_accepted_content_is_not_stored() {
    breaks("a take-over asks the store", &[A, B], |rules| rules.takeover_asks_store = false, STORED_WHEN_DRAINED);
}

#[test]
fn with_the_age_judged_after_the_store_was_read_an_accepted_content_is_not_stored() {
    breaks(
        "the age is judged before the store is read",
        &[A, B],
        |rules| rules.age_before_store = false,
        STORED_WHEN_DRAINED,
    );
}

#[test]
fn with_takeover_of_a_changed_claim_two_contents_are_accepted() {
    breaks(
        "only an unchanged claim is taken over",
        &[A, A, B],
        |rules| rules.takeover_if_unchanged = false,
        ONE_CONTENT,
    );
}

#[test]
fn without_a_deadline_before_the_append_two_contents_are_accepted() {
    breaks(
        "an append starts within its time bound",
        &[A, B],
        |rules| rules.deadline_before_append = false,
        ONE_CONTENT,
    );
}

#[test]
fn without_asking_the_store_for_old_ids_two_contents_are_accepted() {
    let rules = Rules { old_ids_ask_store: false, ..Rules::ALL };
    let model = Admission { window_may_pass: true, ..Admission::of(&[A, B]) }.under(rules);
    assert_breaks("ids older than the window ask the store", model, ONE_CONTENT);
}

#[test]
fn without_appends_waited_for_a_success_is_not_on_the_log() {
    breaks("who joins appends too", &[A, A, B], |rules| rules.joiners_append = false, ON_LOG_WHEN_TOLD);
}

#[test]
fn without_confirming_after_the_ack_a_conflict_is_told_that_never_was() {
    breaks(
        "a claim is confirmed only after the ack",
        &[A, B],
        |rules| rules.confirm_after_ack = false,
        CONFLICT_IS_TRUE,
    );
}

fn forgetful(contents: &[super::Content]) -> Admission {
    Admission { memory_may_be_lost: true, store_may_hang: true, ..Admission::of(contents) }
}

#[test]
fn holds_when_the_gate_loses_its_memory_and_the_store_hangs() {
    assert_holds("A A B, lost memory, a store that hangs", forgetful(&[A, A, B]));
}

#[test]
fn holds_when_the_claim_window_passes_and_the_store_hangs() {
    let model = Admission { window_may_pass: true, store_may_hang: true, ..Admission::of(&[A, A, B]) };
    assert_holds("A A B, the window may pass, a store that hangs", model);
}

#[test]
fn with_uncompared_content_confirmed_a_conflict_is_told_that_never_was() {
    let rules = Rules { uncompared_never_confirms: false, ..Rules::ALL };
    assert_breaks(
        "what was compared with nothing is not confirmed",
        forgetful(&[A, A, B]).under(rules),
        CONFLICT_IS_TRUE,
    );
}

#[test]
fn going_without_the_store_beyond_the_window_two_contents_are_accepted() {
    let rules = Rules { only_lost_memory_goes_without: false, ..Rules::ALL };
    let model = Admission { window_may_pass: true, store_may_hang: true, ..Admission::of(&[A, B]) };
    assert_breaks("only a lost memory goes without the store", model.under(rules), ONE_CONTENT);
}

fn watched(contents: &[super::Content]) -> Admission {
    Admission { slot_is_watched: true, ..Admission::of(contents) }
}

#[test]
fn holds_while_slots_are_given_back() {
    assert_holds("A A B, slots are given back", watched(&[A, A, B]));
}

/// Switches one rule of giving back off and expects a record without its slot.
fn gives_too_much_back(rule: &str, switch_off: impl FnOnce(&mut Rules)) {
    let mut rules = Rules::ALL;
    switch_off(&mut rules);
    assert_breaks(rule, watched(&[A, B]).under(rules), SLOT_IS_KEPT);
}

#[test]
fn without_an_age_before_giving_back_a_record_has_no_slot() {
    gives_too_much_back("giving back waits for the age", |rules| rules.giving_back_waits_for_age = false);
}

#[test]
fn without_asking_the_store_before_giving_back_a_record_has_no_slot() {
    gives_too_much_back("giving back asks the store", |rules| rules.giving_back_asks_store = false);
}

#[test]
fn with_the_age_judged_after_the_store_was_read_a_record_has_no_slot() {
    gives_too_much_back("the age is judged before the store is read", |rules| {
        rules.giving_back_age_before_store = false;
    });
}

#[test]
fn giving_back_what_was_named_since_a_record_has_no_slot() {
    gives_too_much_back("what was named since is spared", |rules| rules.giving_back_spares_later_names = false);
}
