//! The leasing model, checked with all rules and with each one off.

use super::Leasing;
use super::properties::{
    ENDS_BY_ITS_DEADLINE, GRANTS_ARE_CAPPED, LIMIT_HOLDS, NOBODY_ASKS_IN_VAIN, ONE_RESULT_COUNTS,
    RETRY_HAS_THE_SAME_ANSWER, THE_HOLDERS_COUNTS,
};
use super::work::{
    ALL, ASKED_AGAIN_GETS_NOTHING, FINISHED_AGAIN_IS_STALE, LIMIT_AT_FRONT_DOOR, NO_CAP, NO_DEADLINE, NO_LAPSE,
    NO_TOKEN,
};
use crate::exhaustive::{assert_breaks, assert_holds};

#[test]
fn holds_for_two_workers() {
    assert_holds("two workers on one piece of work", Leasing::under(ALL));
}

#[test]
fn holds_for_work_that_is_cancelled() {
    let model = Leasing { max_time: 3, may_cancel: true, ..Leasing::under(ALL) };
    assert_holds("two workers, a cancel", model);
}

fn submitting(rules: u16) -> Leasing {
    Leasing { submits: 2, workers: 1, max_time: 2, ..Leasing::under(rules) }
}

#[test]
fn holds_for_two_submissions() {
    assert_holds("two submissions, one worker", submitting(ALL));
}

#[test]
fn without_the_token_a_worker_whose_lease_has_lapsed_counts() {
    assert_breaks("a result carries the token of its lease", Leasing::under(NO_TOKEN), THE_HOLDERS_COUNTS);
    assert_breaks("a result carries the token of its lease", Leasing::under(NO_TOKEN), ONE_RESULT_COUNTS);
}

#[test]
fn without_lapses_the_work_of_a_dead_worker_is_not_offered_again() {
    assert_breaks("a lease lapses", Leasing::under(NO_LAPSE), NOBODY_ASKS_IN_VAIN);
}

#[test]
fn without_the_deadline_work_never_ends() {
    assert_breaks("work has a deadline", Leasing::under(NO_DEADLINE), ENDS_BY_ITS_DEADLINE);
}

#[test]
fn without_the_cap_work_that_kills_its_workers_is_granted_for_ever() {
    assert_breaks("grants are capped", Leasing::under(NO_CAP), GRANTS_ARE_CAPPED);
}

#[test]
fn without_the_limit_at_the_decision_two_submissions_pass_it() {
    assert_breaks("the limit is judged by the decision", submitting(LIMIT_AT_FRONT_DOOR), LIMIT_HOLDS);
}

#[test]
fn without_the_same_answer_again_a_worker_takes_its_result_for_lost() {
    let model = Leasing::under(FINISHED_AGAIN_IS_STALE);
    assert_breaks("the same finish again gets the same answer", model, RETRY_HAS_THE_SAME_ANSWER);
}

#[test]
fn without_the_same_lease_again_a_worker_that_missed_it_waits_for_it_to_lapse() {
    let model = Leasing::under(ASKED_AGAIN_GETS_NOTHING);
    assert_breaks("who asks again before it has renewed gets the same lease", model, NOBODY_ASKS_IN_VAIN);
}
