//! Pages of what may be long: a run's events, a team's runs. Each is bounded by a count and by bytes.

use tidegate_agentping::{EventId, Run, RunId};
use tidegate_kernel::Timestamp;

use super::EventRow;

/// Which page of a run's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventPage {
    /// Only events with greater ids than this one.
    pub after: Option<EventId>,
    /// At most so many events.
    pub limit: usize,
    /// The page ends with the event that brings its [`EventRow::bytes`] to so many.
    pub max_bytes: usize,
}

impl EventPage {
    /// Whether a page of so many events and bytes takes no more.
    pub const fn is_full(&self, events: usize, bytes: usize) -> bool {
        events >= self.limit || bytes >= self.max_bytes
    }

    /// No page ends before the last event: for runs that are known to be small.
    pub const WHOLE: EventPage = EventPage { after: None, limit: usize::MAX, max_bytes: usize::MAX };
}

/// Events of a run, in the order of their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventsPage {
    pub rows: Vec<EventRow>,
    /// Further events follow.
    pub more: bool,
    bytes: usize,
}

impl EventsPage {
    /// Takes the next event in the order of ids. `false`: the page was full, the event is not on it, and there are more.
    pub fn take(&mut self, page: &EventPage, row: EventRow) -> bool {
        if page.is_full(self.rows.len(), self.bytes) {
            self.more = true;
            return false;
        }
        self.bytes = self.bytes.saturating_add(row.bytes());
        self.rows.push(row);
        true
    }
}

/// Which page of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunPage {
    /// Only runs that come after this place in the listing's order.
    pub after: Option<(Timestamp, RunId)>,
    /// At most so many runs.
    pub limit: usize,
    /// The page ends with the run that brings the sum of [`Run::free_json_bytes`] to so many.
    pub max_bytes: usize,
}

impl RunPage {
    /// The first so many, whatever bytes they have.
    pub const fn first(limit: usize) -> Self {
        RunPage { after: None, limit, max_bytes: usize::MAX }
    }
}

/// Runs of a listing, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunsPage {
    pub runs: Vec<ListedRun>,
    /// The page ended for its bytes: further runs may follow.
    pub cut: bool,
    bytes: usize,
}

impl RunsPage {
    /// Takes the next run of the order. `false`: the page ends here, with this run on it.
    pub fn take(&mut self, page: &RunPage, run: ListedRun) -> bool {
        self.bytes = self.bytes.saturating_add(run.run.free_json_bytes());
        self.runs.push(run);
        let full = self.runs.len() >= page.limit;
        self.cut = !full && self.bytes >= page.max_bytes;
        !full && !self.cut
    }
}

/// A run in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedRun {
    /// Its place in the order, which the next page's `after` begins from.
    pub listed_at: Timestamp,
    pub id: RunId,
    pub run: Run,
}
