//! Reading runs by key and events by id.

use std::sync::LazyLock;

use rusqlite::{Connection, OptionalExtension, params};
use tidegate_domain::{EventId, Run, RunId, RunKey, TeamId};
use tidegate_ports::{RunWanted, StoredRun};

use super::id_blob::{blob_of, id_at};
use super::run_row;

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
    let events = if run.events > 0 { stored_hashes(connection, run_no, &wanted.events)? } else { Vec::new() };
    Ok(StoredRun { run: Some(run), events })
}

/// Which of these events the run has, with their content hashes. Ids grow with time, so most of a batch lies beyond
/// the greatest id that is stored: one look at that spares a look-up for each.
fn stored_hashes(connection: &Connection, run_no: i64, wanted: &[EventId]) -> rusqlite::Result<Vec<(EventId, u64)>> {
    let Some(least) = wanted.iter().min() else { return Ok(Vec::new()) };
    let any = connection
        .prepare_cached("SELECT 1 FROM events WHERE run_no = ?1 AND id >= ?2 LIMIT 1")?
        .exists(params![run_no, blob_of(*least)])?;
    if !any {
        return Ok(Vec::new());
    }
    let mut hash = connection.prepare_cached("SELECT content_hash FROM events WHERE run_no = ?1 AND id = ?2")?;
    let mut stored = Vec::new();
    for id in wanted {
        let found = hash.query_row(params![run_no, blob_of(*id)], |row| row.get::<_, i64>(0)).optional()?;
        stored.extend(found.map(|hash| (*id, hash.cast_unsigned())));
    }
    Ok(stored)
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

/// Which of these events are stored in the team, each with its run and content hash.
pub(super) fn event_owners(
    connection: &Connection,
    team: TeamId,
    events: &[EventId],
) -> rusqlite::Result<Vec<(EventId, RunId, u64)>> {
    let Some(team_no) = team_number(connection, team)? else {
        return Ok(Vec::new());
    };
    let mut statement = connection.prepare_cached(
        "SELECT runs.run, events.content_hash FROM events JOIN runs ON runs.run_no = events.run_no \
         WHERE events.id = ?1 AND runs.team_no = ?2",
    )?;
    let mut owners = Vec::new();
    for id in events {
        let rows = statement.query_map(params![blob_of(*id), team_no], |row| {
            Ok((*id, id_at(row, 0)?, row.get::<_, i64>(1)?.cast_unsigned()))
        })?;
        for owner in rows {
            owners.push(owner?);
        }
    }
    Ok(owners)
}
