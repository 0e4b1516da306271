//! Reading runs by key.

use std::sync::LazyLock;

use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};
use tidegate_agentping::{Run, RunKey, TeamId};
use tidegate_agentping_ports::{RunWanted, StoredRun};

use super::id_blob::blob_of;
use super::team_number::team_number;
use super::{events, run_row};

pub(super) static FIND: LazyLock<String> = LazyLock::new(|| {
    format!("SELECT run_no, position, {} FROM runs WHERE team_no = ?1 AND run = ?2", run_row::COLUMNS)
});

/// The stored state of each wanted run, in the order asked.
pub(super) fn load(connection: &Connection, wanted: &[RunWanted]) -> rusqlite::Result<Vec<StoredRun>> {
    // A batch is mostly of few teams, and neighbours of one.
    let mut last: Option<(TeamId, Option<i64>)> = None;
    let mut find = connection.prepare_cached(&FIND)?;
    let mut loaded = Vec::with_capacity(wanted.len());
    for one in wanted {
        let team_no = match last {
            Some((team, number)) if team == one.key.team => number,
            _ => team_number(connection, one.key.team)?,
        };
        last = Some((one.key.team, team_no));
        loaded.push(match team_no {
            Some(team_no) => load_one(connection, &mut find, team_no, one)?,
            None => StoredRun::default(),
        });
    }
    Ok(loaded)
}

fn load_one(
    connection: &Connection,
    find: &mut CachedStatement<'_>,
    team_no: i64,
    wanted: &RunWanted,
) -> rusqlite::Result<StoredRun> {
    let Some(Found { run_no, position, run }) = found(find, team_no, wanted.key)? else {
        return Ok(StoredRun::default());
    };
    let events = if run.events > 0 { events::stored_hashes(connection, run_no, &wanted.events)? } else { Vec::new() };
    Ok(StoredRun { run: Some(run), events, folded_to: Some(position) })
}

/// A run with its row's number and the write timestamp of the last record folded into it.
pub(super) struct Found {
    pub run_no: i64,
    pub position: i64,
    pub run: Run,
}

pub(super) fn find(connection: &Connection, team_no: i64, key: RunKey) -> rusqlite::Result<Option<Found>> {
    found(&mut connection.prepare_cached(&FIND)?, team_no, key)
}

fn found(find: &mut CachedStatement<'_>, team_no: i64, key: RunKey) -> rusqlite::Result<Option<Found>> {
    let read = |row: &Row<'_>| Ok(Found { run_no: row.get(0)?, position: row.get(1)?, run: run_row::read(row, 2)? });
    find.query_row(params![team_no, blob_of(key.run)], read).optional()
}
