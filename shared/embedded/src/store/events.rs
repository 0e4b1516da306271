//! Events: kept a batch to a row, as the saves bring them, with one slim row for each id to find them by.

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use tidegate_domain::{Event, EventId, RunId, TeamId, Timestamp};
use tidegate_ports::EventRow;

use super::id_blob::{blob_of, id_at};
use super::load::team_number;
use super::run_row::{json, to_json};

const INSERT_ID: &str = "INSERT INTO event_ids (id, run_no, content_hash) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
const INSERT_BATCH: &str = "INSERT INTO event_batches (run_no, greatest_id, events) VALUES (?1, ?2, ?3)";

/// An event in a batch's JSON: a list of both values, where the names would stand in each.
#[derive(Serialize)]
struct Written<'e>(Timestamp, &'e Event);

/// From either form: batches were written with the names once.
#[derive(Deserialize)]
struct Read {
    #[serde(rename = "received_at_ms")]
    received_at: Timestamp,
    event: Event,
}

/// The statements that save events.
pub(super) struct EventInserts<'c> {
    id: CachedStatement<'c>,
    batch: CachedStatement<'c>,
}

impl<'c> EventInserts<'c> {
    pub fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(EventInserts { id: connection.prepare_cached(INSERT_ID)?, batch: connection.prepare_cached(INSERT_BATCH)? })
    }

    /// Saves those that the run does not have. Returns about how many bytes that wrote.
    pub fn save(&mut self, run_no: i64, rows: &[EventRow]) -> rusqlite::Result<u64> {
        const ID_ROW_BYTES: u64 = 40;
        let mut written = Vec::with_capacity(rows.len());
        let mut greatest_id = None;
        for EventRow { event, received_at } in rows {
            let id = blob_of(event.id);
            if self.id.execute(params![id, run_no, event.content_hash.cast_signed()])? == 1 {
                greatest_id = greatest_id.max(Some(id));
                written.push(Written(*received_at, event));
            }
        }
        let Some(greatest_id) = greatest_id else { return Ok(0) };
        let events = to_json(&written)?;
        self.batch.execute(params![run_no, greatest_id, events])?;
        Ok(events.len() as u64 + ID_ROW_BYTES * (written.len() as u64 + 1))
    }
}

/// All events of a run, ordered by `ts`, then id.
pub(super) fn of_run(connection: &Connection, run_no: i64) -> rusqlite::Result<Vec<EventRow>> {
    let mut rows = in_order_of_saves(connection, run_no)?;
    rows.sort_by_key(|row| (row.event.ts, row.event.id));
    Ok(rows)
}

fn in_order_of_saves(connection: &Connection, run_no: i64) -> rusqlite::Result<Vec<EventRow>> {
    let mut statement = connection.prepare_cached("SELECT events FROM event_batches WHERE run_no = ?1")?;
    let mut batches = statement.query(params![run_no])?;
    let mut rows = Vec::new();
    while let Some(batch) = batches.next()? {
        let events: Vec<Read> = json(batch, 0)?;
        rows.extend(events.into_iter().map(|Read { received_at, event }| EventRow { event, received_at }));
    }
    Ok(rows)
}

/// Which of these events the run has, with their content hashes. Ids grow with time, so most of a batch lies beyond
/// the greatest id that is stored: one look at that spares a look-up for each.
pub(super) fn stored_hashes(
    connection: &Connection,
    run_no: i64,
    wanted: &[EventId],
) -> rusqlite::Result<Vec<(EventId, u64)>> {
    let Some(least) = wanted.iter().min() else { return Ok(Vec::new()) };
    let any = connection
        .prepare_cached("SELECT 1 FROM event_batches WHERE run_no = ?1 AND greatest_id >= ?2 LIMIT 1")?
        .exists(params![run_no, blob_of(*least)])?;
    if !any {
        return Ok(Vec::new());
    }
    let mut hash = connection.prepare_cached("SELECT content_hash FROM event_ids WHERE id = ?1 AND run_no = ?2")?;
    let mut stored = Vec::new();
    for id in wanted {
        let found = hash.query_row(params![blob_of(*id), run_no], |row| row.get::<_, i64>(0)).optional()?;
        stored.extend(found.map(|hash| (*id, hash.cast_unsigned())));
    }
    Ok(stored)
}

/// Which of these events are stored in the team, each with its run and content hash.
pub(super) fn owners(
    connection: &Connection,
    team: TeamId,
    events: &[EventId],
) -> rusqlite::Result<Vec<(EventId, RunId, u64)>> {
    let Some(team_no) = team_number(connection, team)? else {
        return Ok(Vec::new());
    };
    let mut statement = connection.prepare_cached(
        "SELECT runs.run, event_ids.content_hash FROM event_ids JOIN runs ON runs.run_no = event_ids.run_no \
         WHERE event_ids.id = ?1 AND runs.team_no = ?2",
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

/// Deletes all events of a run.
pub(super) fn delete_of_run(connection: &Connection, run_no: i64) -> rusqlite::Result<()> {
    let mut id = connection.prepare_cached("DELETE FROM event_ids WHERE id = ?1 AND run_no = ?2")?;
    for row in in_order_of_saves(connection, run_no)? {
        id.execute(params![blob_of(row.event.id), run_no])?;
    }
    connection.prepare_cached("DELETE FROM event_batches WHERE run_no = ?1")?.execute(params![run_no])?;
    Ok(())
}
