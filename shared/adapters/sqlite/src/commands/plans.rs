//! How SQLite goes about the reads of what grows: each by an index, and none sorts.

use rusqlite::Connection;

use super::schema::MIGRATIONS;
use super::{books, cleanup, deliveries, due, facts, views};

#[test]
fn every_read_goes_by_an_index() {
    let connection = Connection::open_in_memory().expect("a database");
    MIGRATIONS.iter().for_each(|step| connection.execute_batch(step).expect("migrated"));
    let statements = [
        books::LOAD,
        facts::FIND,
        views::GET,
        views::FIRST,
        views::FIRST_AFTER,
        views::LAST,
        views::LAST_BEFORE,
        due::READ,
        deliveries::WAITING,
        deliveries::NAMED,
        deliveries::KEPT,
        cleanup::EXPIRED_FACTS,
        cleanup::FINISHED,
        cleanup::REMOVED_ROWS,
    ];
    for statement in statements {
        let question = format!("EXPLAIN QUERY PLAN {statement}");
        let mut explained = connection.prepare(&question).expect("a statement");
        let nothing = vec![rusqlite::types::Null; explained.parameter_count()];
        let steps = explained.query_map(rusqlite::params_from_iter(nothing), |row| row.get(3)).expect("explained");
        let steps: Vec<String> = steps.collect::<rusqlite::Result<_>>().expect("read");
        let is_indexed = |step: &String| step.starts_with("SEARCH ") || step.starts_with("LIST SUBQUERY ");
        assert!(!steps.is_empty() && steps.iter().all(is_indexed), "{statement}: {steps:?}");
    }
}
