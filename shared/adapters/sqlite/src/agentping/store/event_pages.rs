//! A page of a run's events, in the order of their ids.
//!
//! Batches are stored as they were saved, so their ids may overlap. Those that reach beyond the page's start are read in the
//! order of their least id, until no further batch can hold an event of the page.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};
use tidegate_agentping::{EventId, RunKey};
use tidegate_agentping_ports::{EventPage, EventRow, EventsPage};

use super::events;
use super::id_blob::blob_of;
use super::load::find;
use super::team_number::team_number;

/// Batches with ids from ?2 on. `least_id` is NULL in those that are older than the column; they come first.
pub(super) const CANDIDATES: &str =
    "SELECT batch_no, least_id FROM event_batches WHERE run_no = ?1 AND greatest_id > ?2 ORDER BY least_id";

const BATCH: &str = "SELECT events FROM event_batches WHERE batch_no = ?1";

pub(super) fn page(connection: &Connection, key: RunKey, page: &EventPage) -> rusqlite::Result<EventsPage> {
    let Some(team_no) = team_number(connection, key.team)? else {
        return Ok(EventsPage::default());
    };
    match find(connection, team_no, key)? {
        Some(found) if found.run.events > 0 => of_run(connection, found.run_no, page),
        _ => Ok(EventsPage::default()),
    }
}

pub(super) fn of_run(connection: &Connection, run_no: i64, page: &EventPage) -> rusqlite::Result<EventsPage> {
    // No id is as low as the empty blob.
    let after = page.after.map_or_else(Vec::new, |after| blob_of(after).to_vec());
    let mut candidates = connection.prepare_cached(CANDIDATES)?;
    let candidates: Vec<(i64, Option<Vec<u8>>)> = candidates
        .query_map(params![run_no, after], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut batch = connection.prepare_cached(BATCH)?;
    let mut window = Window::of(page);
    for (batch_no, least) in candidates {
        if window.ends_before(least.as_deref()) {
            window.more = true;
            break;
        }
        let mut found = batch.query(params![batch_no])?;
        if let Some(row) = found.next()? {
            window.add(events::of_batch(row, 0)?);
        }
    }
    Ok(window.into_page())
}

/// The least events so far, no more of them than the page takes.
struct Window<'p> {
    page: &'p EventPage,
    rows: BTreeMap<EventId, EventRow>,
    /// The page's last event, once the page is full.
    last: Option<EventId>,
    /// There are events beyond it.
    more: bool,
}

impl<'p> Window<'p> {
    fn of(page: &'p EventPage) -> Self {
        Window { page, rows: BTreeMap::new(), last: None, more: false }
    }

    /// Whether a batch with this least id has nothing for the page.
    fn ends_before(&self, least: Option<&[u8]>) -> bool {
        self.last.zip(least).is_some_and(|(last, least)| blob_of(last).as_slice() < least)
    }

    fn add(&mut self, rows: impl Iterator<Item = EventRow>) {
        let after = self.page.after;
        let wanted = rows.filter(|row| after.is_none_or(|after| after < row.event.id));
        self.rows.extend(wanted.map(|row| (row.event.id, row)));
        let mut bytes = 0_usize;
        let full = self.rows.values().enumerate().find_map(|(place, row)| {
            bytes = bytes.saturating_add(row.bytes());
            self.page.is_full(place + 1, bytes).then_some(row.event.id)
        });
        if let Some(last) = full {
            let mut rest = self.rows.split_off(&last);
            self.rows.extend(rest.pop_first());
            self.more |= rest.pop_first().is_some();
            self.last = Some(last);
        }
    }

    fn into_page(self) -> EventsPage {
        let mut page = EventsPage::default();
        self.rows.into_values().all(|row| page.take(self.page, row));
        page.more |= self.more;
        page
    }
}
