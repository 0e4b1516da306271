//! Pages of a run's events, in the order of their ids, which is the order of their rows.

use scylla::response::PagingState;
use scylla::value::CqlTimestamp;
use tidegate_agentping::{Event, RunKey};
use tidegate_agentping_ports::{EventPage, EventRow, EventsPage};
use tidegate_ports::StoreError;

use super::ScyllaStore;
use super::layout::instant;
use crate::failure::unreadable;

/// Rows of the first read. Few, since an event may have a megabyte.
const FIRST_ROWS: usize = 16;
/// Rows of a read at most.
const MAX_ROWS: usize = 200;

/// An event's row: id, receipt, body, when it was written, and the summary's position.
type EventCells<'r> = (Option<&'r str>, Option<CqlTimestamp>, Option<&'r str>, Option<i64>, Option<i64>);

impl ScyllaStore {
    pub(super) async fn events_of(&self, key: RunKey, page: &EventPage) -> Result<EventsPage, StoreError> {
        // Every id is above the empty text.
        let after = page.after.map_or_else(String::new, |after| after.to_string());
        let values = (key.team.to_string(), key.run.to_string(), after);
        let mut events = EventsPage::default();
        let mut read = Read { rows: 0, bytes: 0 };
        let mut from = Some(PagingState::start());
        while let Some(state) = from {
            let statement = &self.cql.statements().run_events;
            let found = self.cql.page(statement, &values, Some(read.next_rows(page)), state).await?;
            for row in found.rows.rows::<EventCells<'_>>().map_err(|error| unreadable("events", error))? {
                let (Some(id), Some(received_at), Some(body), Some(written), Some(position)) =
                    row.map_err(|error| unreadable("events", error))?
                else {
                    continue;
                };
                read.rows += 1;
                read.bytes += body.len();
                // An event above the summary's position belongs to a save that did not reach its summary.
                if written > position {
                    continue;
                }
                let event: Result<Event, _> = serde_json::from_str(body);
                let event = event.map_err(|error| unreadable(&format!("event {id}"), error))?;
                if !events.take(page, EventRow { event, received_at: instant(received_at) }) {
                    return Ok(events);
                }
            }
            from = found.next;
        }
        Ok(events)
    }
}

/// The page as read so far.
struct Read {
    rows: usize,
    bytes: usize,
}

impl Read {
    /// How many rows to read next, so that the server returns little more than the page still needs.
    fn next_rows(&self, page: &EventPage) -> i32 {
        // One more row than the page holds shows that more follow.
        let missing = page.limit.saturating_sub(self.rows).saturating_add(1);
        let by_bytes = match self.bytes / self.rows.max(1) {
            0 => FIRST_ROWS,
            bytes_per_row => page.max_bytes.saturating_sub(self.bytes) / bytes_per_row + 1,
        };
        by_bytes.min(missing).clamp(1, MAX_ROWS) as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_grow_with_small_events_and_shrink_with_large_ones() {
        let page = EventPage { after: None, limit: 500, max_bytes: 1 << 20 };
        let next = |rows, bytes| Read { rows, bytes }.next_rows(&page);
        assert_eq!(next(0, 0), 16);
        assert_eq!(next(16, 16 * 300), 200, "small ones");
        assert_eq!(next(400, 400 * 300), 101, "as many as are missing, and one");
        assert_eq!(next(16, 16 * 40_000), 11);
        assert_eq!(next(1, 2 << 20), 1, "the page is full: one more shows that others follow");
        assert_eq!(Read { rows: 0, bytes: 0 }.next_rows(&EventPage { limit: 1, ..page }), 2);
    }
}
