//! The consuming model, checked with all rules and with each one off.

use super::properties::{ALWAYS_A_PREFIX, COMMITTED_IS_STORED, DRAINED_IS_THE_FOLD, VALUES_NEVER_DECIDE};
use super::store::Status;
use super::{Consuming, Record, Rules, Says, WriteTimestamp};
use crate::exhaustive::{assert_breaks, assert_holds};

fn start(run: usize, content: u8) -> Record {
    Record { run, says: Says::Start(content) }
}

fn event(run: usize, id: usize, content: u8) -> Record {
    Record { run, says: Says::Event { id, content } }
}

fn finish(run: usize, status: Status) -> Record {
    Record { run, says: Says::Finish(status) }
}

/// An event before its start, and a second content for it.
fn conflicting_events() -> Vec<Record> {
    vec![event(0, 0, 2), start(1, 1), event(0, 0, 1), start(0, 1)]
}

/// Two starts, and two more in the other order of values.
fn conflicting_starts() -> Vec<Record> {
    vec![start(0, 1), start(1, 2), start(0, 2), start(1, 1)]
}

/// A run that fails, whose status goes from a greater word to a lesser one, and an event after the finish.
fn failing() -> Vec<Record> {
    vec![start(0, 1), event(1, 0, 1), finish(0, Status::Failed), event(0, 0, 1)]
}

/// The least log that has two runs and a second event.
fn short() -> Vec<Record> {
    vec![event(0, 0, 1), start(1, 1), event(0, 1, 1)]
}

#[test]
fn holds_for_conflicting_events() {
    assert_holds("conflicting events", Consuming::over(&conflicting_events()));
}

#[test]
fn holds_for_conflicting_starts() {
    assert_holds("conflicting starts", Consuming::over(&conflicting_starts()));
}

#[test]
fn holds_for_a_failing_run() {
    // A crash is a zombie that does nothing more, so leaving it out here loses little and halves the walk.
    let model = Consuming { max_crashes: 0, ..Consuming::over(&failing()) };
    assert_holds("a failing run, no crash", model);
}

#[test]
fn holds_with_a_broker_that_takes_commits_of_former_epochs() {
    let rules = Rules { broker_fences_commits: false, ..Rules::ALL };
    let model = Consuming { max_assignments: 2, ..Consuming::over(&short()) }.under(rules);
    assert_holds("commits unfenced, two assignments", model);
}

#[test]
fn with_arrival_order_as_timestamps_a_zombie_turns_the_drained_store_back() {
    let rules = Rules { write_timestamp: WriteTimestamp::Arrival, ..Rules::ALL };
    let model = Consuming::over(&short()).under(rules);
    assert_breaks("timestamps are offsets, not arrivals", model, DRAINED_IS_THE_FOLD);
}

#[test]
fn with_the_brokers_clock_as_timestamps_the_greater_value_stays() {
    let rules = Rules { write_timestamp: WriteTimestamp::BrokerMillisecond, ..Rules::ALL };
    let model = Consuming::over(&failing()[..3]).under(rules);
    assert_breaks("timestamps are offsets, not the broker's", model, DRAINED_IS_THE_FOLD);
}

#[test]
fn with_the_brokers_clock_as_timestamps_values_decide() {
    let rules = Rules { write_timestamp: WriteTimestamp::BrokerMillisecond, ..Rules::ALL };
    let model = Consuming::over(&short()).under(rules);
    assert_breaks("timestamps are offsets, not the broker's", model, VALUES_NEVER_DECIDE);
}

#[test]
fn with_commit_before_write_a_committed_record_is_not_stored() {
    let rules = Rules { write_before_commit: false, ..Rules::ALL };
    let model = Consuming::over(&short()).under(rules);
    assert_breaks("what is committed is stored first", model, COMMITTED_IS_STORED);
}

#[test]
fn with_commit_by_maximum_a_committed_record_is_not_stored() {
    let rules = Rules { commit_contiguous: false, ..Rules::ALL };
    let model = Consuming::over(&short()).under(rules);
    assert_breaks("the contiguous part is committed", model, COMMITTED_IS_STORED);
}

#[test]
fn with_completions_of_a_former_epoch_a_committed_record_is_not_stored() {
    let rules = Rules { ledger_checks_epoch: false, ..Rules::ALL };
    let model = Consuming::over(&short()).under(rules);
    assert_breaks("the ledger checks the epoch", model, COMMITTED_IS_STORED);
}

#[test]
fn with_increments_a_redelivery_counts_twice() {
    let rules = Rules { absolute_summary: false, ..Rules::ALL };
    let model = Consuming::over(&short()).under(rules);
    assert_breaks("summaries are absolute", model, DRAINED_IS_THE_FOLD);
}

#[test]
fn with_summary_and_events_apart_a_reader_sees_one_without_the_other() {
    let rules = Rules { one_batch: false, ..Rules::ALL };
    let model = Consuming::over(&short()).under(rules);
    assert_breaks("summary and events are one batch", model, ALWAYS_A_PREFIX);
}

#[test]
fn with_summary_and_events_apart_a_redelivery_counts_twice() {
    let rules = Rules { one_batch: false, ..Rules::ALL };
    let model = Consuming::over(&short()).under(rules);
    assert_breaks("summary and events are one batch", model, DRAINED_IS_THE_FOLD);
}

#[test]
fn with_runs_cached_over_assignments_what_others_wrote_is_lost() {
    let rules = Rules { load_each_poll: false, ..Rules::ALL };
    let model = Consuming::over(&short()).under(rules);
    assert_breaks("each assignment loads the runs anew", model, DRAINED_IS_THE_FOLD);
}
