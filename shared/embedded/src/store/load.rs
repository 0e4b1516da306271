//! Reading runs by key.

use std::sync::LazyLock;

use rusqlite::{Connection, OptionalExtension, params};
use tidegate_domain::{Run, RunKey, TeamId};
use tidegate_ports::{RunWanted, StoredRun};

use super::id_blob::blob_of;
use super::{events, run_row};

static FIND: LazyLock<String> =
    LazyLock::new(|| format!("SELECT run_no, {} FROM runs WHERE team_no = ?1 AND run = ?2", run_row::COLUMNS));

/// The stored state of each wanted run, in the order asked.
pub(super) fn load(connection: &Connection, wanted: &[RunWanted]) -> rusqlite::Result<Vec<StoredRun>> {
    // A batch is mostly of few teams, and neighbours of one.
    let mut last: Option<(TeamId, Option<i64>)> = None;
    let mut loaded = Vec::with_capacity(wanted.len());
    for one in wanted {
        let team_no = match last {
            Some((team, number)) if team == one.key.team => number,
            _ => team_number(connection, one.key.team)?,
        };
        last = Some((one.key.team, team_no));
        loaded.push(match team_no {
            Some(team_no) => load_one(connection, team_no, one)?,
            None => StoredRun::default(),
        });
    }
    Ok(loaded)
}

fn load_one(connection: &Connection, team_no: i64, wanted: &RunWanted) -> rusqlite::Result<StoredRun> {
    let Some((run_no, run)) = find(connection, team_no, wanted.key)? else {
        return Ok(StoredRun::default());
    };
    let events = if run.events > 0 { events::stored_hashes(connection, run_no, &wanted.events)? } else { Vec::new() };
    Ok(StoredRun { run: Some(run), events })
}

/// A run with its row's number.
pub(super) fn find(connection: &Connection, team_no: i64, key: RunKey) -> rusqlite::Result<Option<(i64, Run)>> {
    let mut statement = connection.prepare_cached(&FIND)?;
    statement.query_row(params![team_no, blob_of(key.run)], |row| Ok((row.get(0)?, run_row::read(row, 1)?))).optional()
}

pub(super) fn team_number(connection: &Connection, team: TeamId) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT team_no FROM teams WHERE team = ?1")?
        .query_row(params![blob_of(team)], |row| row.get(0))
        .optional()
}
