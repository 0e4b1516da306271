//! How SQLite goes about the reads of what grows with runs and events: each by an index. Statistics are never gathered
//! (`ANALYZE`), so the plans are the same in every file.

use rusqlite::Connection;

use super::schema::MIGRATIONS;
use super::{event_pages, events, feed, listing, load, notes, purge, queries, repeats, save};

fn plan(connection: &Connection, statement: &str) -> Vec<String> {
    let question = format!("EXPLAIN QUERY PLAN {statement}");
    let mut explained = connection.prepare(&question).expect("a statement");
    let nothing = vec![rusqlite::types::Null; explained.parameter_count()];
    let steps = explained.query_map(rusqlite::params_from_iter(nothing), |row| row.get(3)).expect("explained");
    steps.collect::<rusqlite::Result<_>>().expect("read")
}

#[test]
fn every_read_goes_by_an_index() {
    let connection = Connection::open_in_memory().expect("a database");
    MIGRATIONS.iter().for_each(|step| connection.execute_batch(step).expect("migrated"));
    let by_id = "SEARCH runs USING INDEX runs_by_id (team_no=? AND run=?)";
    let expected: [(&str, &[&str]); 15] = [
        (save::FIND, &[by_id]),
        (&load::FIND, &[by_id]),
        (
            events::OWNERS,
            &["SEARCH event_ids USING PRIMARY KEY (id=?)", "SEARCH runs USING INTEGER PRIMARY KEY (rowid=?)"],
        ),
        (
            events::LATER,
            &["SEARCH event_batches USING COVERING INDEX event_batches_of_run (run_no=? AND greatest_id>?)"],
        ),
        (
            event_pages::CANDIDATES,
            &[
                "SEARCH event_batches USING COVERING INDEX event_batches_of_run (run_no=? AND greatest_id>?)",
                "USE TEMP B-TREE FOR ORDER BY",
            ],
        ),
        (
            &listing::SELECT,
            &["SEARCH runs USING INDEX runs_by_start (team_no=? AND listed_at_ms>? AND (listed_at_ms,run)<(?,?))"],
        ),
        (
            &queries::MONTH_OF_RUNS,
            &["SEARCH runs USING INDEX runs_by_start (team_no=? AND listed_at_ms>? AND listed_at_ms<?)"],
        ),
        (&queries::NEWEST_RUNS, &["SEARCH runs USING INDEX runs_by_start (team_no=? AND listed_at_ms>?)"]),
        (
            queries::USAGE,
            &[
                "SEARCH teams USING COVERING INDEX sqlite_autoindex_teams_1 (team=?)",
                "SEARCH usage USING PRIMARY KEY (team_no=? AND month=?)",
            ],
        ),
        (
            repeats::OF_MONTH,
            &[
                "SEARCH teams USING COVERING INDEX sqlite_autoindex_teams_1 (team=?)",
                "SEARCH repeats USING PRIMARY KEY (team_no=? AND month=?)",
            ],
        ),
        (purge::OLDEST_ORPHANS, &["SEARCH runs USING INDEX orphans (last_received_ms<?)"]),
        (feed::PAGE, &["SEARCH pulse_feed USING PRIMARY KEY (generation=? AND partition=? AND offset>? AND offset<?)"]),
        (feed::OLDEST, &["SEARCH pulse_feed USING PRIMARY KEY (generation=? AND partition=?)"]),
        (feed::PURGE, &["SEARCH pulse_feed USING PRIMARY KEY (generation=? AND partition=? AND offset<?)"]),
        (
            notes::FORGET_NOTES,
            &[
                "SEARCH notes USING PRIMARY KEY (generation=? AND partition=? AND offset=?)",
                "LIST SUBQUERY 2",
                "SEARCH notes USING COVERING INDEX notes_by_age (appended_at_ms<?)",
            ],
        ),
    ];
    for (statement, steps) in expected {
        assert_eq!(plan(&connection, statement), steps, "{statement}");
    }
}
