//! View rows that come and go: the store does not depend on what a consumer polls at once.

use super::Deciding;
use super::logs::{self, checked};
use super::properties::{DRAINED_IS_SEQUENTIAL, ROWS_ARE_A_PREFIX};
use crate::commands::rules::{Bounds, RowWrites, Rules};
use crate::exhaustive::{assert_breaks, assert_holds};

/// Polls of up to three records: a row may come and go in one, in two, or in three of them. One zombie is enough.
fn model(log: logs::Expected) -> Deciding {
    let bounds = Bounds { max_poll: 3, partial_writes: true };
    Deciding { bounds, ..Deciding::over(&checked(log)).with_one_zombie() }
}

fn off(rows: RowWrites) -> Rules {
    Rules { rows, ..Rules::ALL }
}

#[test]
fn holds_for_a_row_that_comes_and_goes() {
    assert_holds("a row that comes and goes", model(logs::held_and_released()));
}

#[test]
fn holds_for_a_row_that_is_replaced() {
    assert_holds("a row that is replaced", model(logs::swapped()));
}

#[test]
fn without_removals_of_what_the_batch_made_an_older_write_brings_the_row_back() {
    let rules = off(RowWrites::NetWithoutOwnRemovals);
    let rule = "a removal is written even if the same batch made the row";
    assert_breaks(rule, model(logs::held_and_released()).under(rules), DRAINED_IS_SEQUENTIAL);
}

#[test]
fn with_rows_at_the_end_of_the_batch_the_store_depends_on_batches() {
    let rule = "a row is written at the position of the record that last changed it";
    assert_breaks(rule, model(logs::held()).under(off(RowWrites::AtBatchEnd)), ROWS_ARE_A_PREFIX);
}

#[test]
fn with_each_change_written_a_removal_wins_over_what_came_after_it() {
    let rule = "a row is written as its net value";
    assert_breaks(rule, model(logs::swapped()).under(off(RowWrites::EachChange)), DRAINED_IS_SEQUENTIAL);
}
