//! Events: one row for each batch of a save, and one small row for each event id.

use std::collections::HashSet;

use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use tidegate_agentping::{Event, EventId, RunId, TeamId};
use tidegate_agentping_ports::EventRow;
use tidegate_kernel::Timestamp;

use super::id_blob::{blob_of, id_at};
use super::run_row::{json, to_json};
use super::team_number::team_number;

const INSERT_ID: &str = "INSERT INTO event_ids (id, run_no, content_hash) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
/// Inserts [`TOGETHER`] rows at once: one statement descends the tree once, and not for each row.
const INSERT_IDS: &str = "INSERT INTO event_ids (id, run_no, content_hash) VALUES (?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?), \
     (?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?), \
     (?, ?, ?) ON CONFLICT DO NOTHING";
const TOGETHER: usize = 16;
const INSERT_BATCH: &str = "INSERT INTO event_batches (run_no, greatest_id, least_id, events) VALUES (?1, ?2, ?3, ?4)";
/// Whether the run has a batch with this id or a later one. If not, it has none of the ids from this one on.
pub(super) const LATER: &str = "SELECT 1 FROM event_batches WHERE run_no = ?1 AND greatest_id >= ?2 LIMIT 1";
/// `CROSS JOIN` makes SQLite search for the id first. Otherwise it reads all runs of the team.
pub(super) const OWNERS: &str = "SELECT runs.run, event_ids.content_hash FROM event_ids CROSS JOIN runs \
     ON runs.run_no = event_ids.run_no WHERE event_ids.id = ?1 AND runs.team_no = ?2";

/// An event in a batch's JSON: a list of both values, so that the names are not repeated in each.
#[derive(Serialize)]
struct Written<'e>(Timestamp, &'e Event);

/// Reads both forms: earlier batches were written with the names.
#[derive(Deserialize)]
struct Read {
    #[serde(rename = "received_at_ms")]
    received_at: Timestamp,
    event: Event,
}

/// The statements that save events.
pub(super) struct EventInserts<'c> {
    id: CachedStatement<'c>,
    ids: CachedStatement<'c>,
    later: CachedStatement<'c>,
    batch: CachedStatement<'c>,
}

impl<'c> EventInserts<'c> {
    pub fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(EventInserts {
            id: connection.prepare_cached(INSERT_ID)?,
            ids: connection.prepare_cached(INSERT_IDS)?,
            later: connection.prepare_cached(LATER)?,
            batch: connection.prepare_cached(INSERT_BATCH)?,
        })
    }

    /// Saves the events that the run does not have. Returns the bytes written, about.
    pub fn save(&mut self, run_no: i64, rows: &[EventRow]) -> rusqlite::Result<u64> {
        const ID_ROW_BYTES: u64 = 40;
        let Some(least) = rows.iter().map(|row| row.event.id).min() else { return Ok(0) };
        let mut new: Vec<&EventRow> = Vec::with_capacity(rows.len());
        let mut rest = rows;
        if !self.later.exists(params![run_no, blob_of(least)])? {
            rest = self.save_ids_together(run_no, rows, &mut new)?;
        }
        for row in rest {
            let event = &row.event;
            if self.id.execute(params![blob_of(event.id), run_no, event.content_hash.cast_signed()])? == 1 {
                new.push(row);
            }
        }
        let ids = || new.iter().map(|row| row.event.id);
        let Some((greatest, least)) = ids().max().zip(ids().min()) else { return Ok(0) };
        let written: Vec<Written<'_>> = new.iter().map(|row| Written(row.received_at, &row.event)).collect();
        let events = to_json(&written)?;
        self.batch.execute(params![run_no, blob_of(greatest), blob_of(least), events])?;
        Ok(events.len() as u64 + ID_ROW_BYTES * (written.len() as u64 + 1))
    }

    /// Saves ids that the run has none of yet, as far as whole statements take them. Returns the rows left.
    fn save_ids_together<'r>(
        &mut self,
        run_no: i64,
        rows: &'r [EventRow],
        new: &mut Vec<&'r EventRow>,
    ) -> rusqlite::Result<&'r [EventRow]> {
        let (chunks, rest) = rows.as_chunks::<TOGETHER>();
        for chunk in chunks {
            for (at, EventRow { event, .. }) in (1..).step_by(3).zip(chunk) {
                self.ids.raw_bind_parameter(at, blob_of(event.id))?;
                self.ids.raw_bind_parameter(at + 1, run_no)?;
                self.ids.raw_bind_parameter(at + 2, event.content_hash.cast_signed())?;
            }
            let inserted = self.ids.raw_execute()?;
            if inserted == chunk.len() {
                new.extend(chunk);
            } else {
                // Only what the rows themselves hold twice can be there already: the first of each counts.
                let mut met: HashSet<_> = new.iter().map(|row| row.event.id).collect();
                new.extend(chunk.iter().filter(|row| met.insert(row.event.id)));
            }
        }
        Ok(rest)
    }
}

/// The events of a batch, whose JSON is in this column.
pub(super) fn of_batch(row: &Row<'_>, column: usize) -> rusqlite::Result<impl Iterator<Item = EventRow>> {
    let events: Vec<Read> = json(row, column)?;
    Ok(events.into_iter().map(|Read { received_at, event }| EventRow { event, received_at }))
}

/// Which of these events the run has, with their content hashes. Ids grow with time, so most of a batch lies beyond
/// the greatest stored id: reading that one saves a look-up for each.
pub(super) fn stored_hashes(
    connection: &Connection,
    run_no: i64,
    wanted: &[EventId],
) -> rusqlite::Result<Vec<(EventId, u64)>> {
    let Some(least) = wanted.iter().min() else { return Ok(Vec::new()) };
    let any = connection.prepare_cached(LATER)?.exists(params![run_no, blob_of(*least)])?;
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
    let mut statement = connection.prepare_cached(OWNERS)?;
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
    let mut statement = connection.prepare_cached("SELECT events FROM event_batches WHERE run_no = ?1")?;
    let mut batches = statement.query(params![run_no])?;
    while let Some(batch) = batches.next()? {
        for row in of_batch(batch, 0)? {
            id.execute(params![blob_of(row.event.id), run_no])?;
        }
    }
    connection.prepare_cached("DELETE FROM event_batches WHERE run_no = ?1")?.execute(params![run_no])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use tidegate_agentping_ports::{EventPage, EventsPage};
    use tidegate_agentping_testkit::event;

    use super::super::event_pages;
    use super::super::schema::MIGRATIONS;
    use super::*;

    fn row(number: u128) -> EventRow {
        EventRow { event: event(number), received_at: Timestamp::from_millis(2) }
    }

    #[test]
    fn each_event_is_saved_once_however_batches_overlap() {
        let connection = Connection::open_in_memory().expect("a database");
        MIGRATIONS.iter().for_each(|step| connection.execute_batch(step).expect("migrated"));
        let batches: [Vec<u128>; 6] = [
            (20..60).collect(),
            // All new, more than once in the batch: in the next statement, within one, and in what is left of them.
            (60..76).chain(60..70).chain(76..100).chain(100..108).chain(100..108).chain([61, 99]).collect(),
            (90..100).chain(108..140).collect(),
            (20..140).collect(),
            (0..18).rev().collect(),
            vec![18, 140, 140, 19],
        ];
        let mut inserts = EventInserts::prepare(&connection).expect("statements");
        for batch in &batches {
            let rows: Vec<EventRow> = batch.iter().map(|number| row(*number)).collect();
            inserts.save(7, &rows).expect("saved");
        }
        assert_eq!(
            event_pages::of_run(&connection, 7, &EventPage::WHOLE).map(|page| page.rows),
            Ok((0..=140).map(row).collect())
        );
        let all: Vec<EventId> = (0..=140).map(|number| row(number).event.id).collect();
        assert_eq!(stored_hashes(&connection, 7, &all).expect("read").len(), all.len());
        assert_eq!(event_pages::of_run(&connection, 8, &EventPage::WHOLE), Ok(EventsPage::default()));
    }
}
