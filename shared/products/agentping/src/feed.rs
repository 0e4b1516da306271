//! The pulse feed: what records did to runs, in log order, for those who watch agents (schedules, spend, guard, checks).
//!
//! A row belongs to one record, and stands under its position. It says what the record did to its run, and how the run
//! stands after it, so that a reader of the feed needs neither the run nor its other records. A row is a function of the
//! run's records up to its own: whoever folds them writes the same row.
//!
//! | a record that | says |
//! | --- | --- |
//! | gives the run its first opening | `opened` |
//! | makes it both opened and closed | `ended` |
//! | is activity of a run that was closed by its idle timeout | `reopened` |
//! | reports that the run is alive | `alive` |
//! | brings events to a run that has ended | `after_end` |
//! | changes the cost or the idle deadline, replaces an implied opening, or names an unpriced model | none of these |
//!
//! All other records have no row: those that add nothing, those that contradict the run, events without any of this,
//! and those of a run without an opening. Its first opening then says all of it: an orphan's start says `opened` and
//! `ended`.

use tidegate_kernel::{Timestamp, Usd};

use crate::record::Record;
use crate::{Change, Event, Run, RunKey, RunState};

mod decoding;
mod recovering;
mod row;

pub use row::{
    Arrival, Did, FeedRow, FeedRowError, FiledUnder, IdleEnd, KEPT_MS, MODELS_MAX, ModelSpend, UNPRICED_MAX, VERSION,
};

use row::{is_unpriced, models_of, unpriced_of};

/// Folds a record into its run as [`RunState::apply`] does, and makes its row.
pub fn apply(state: &mut RunState, record: Record, arrival: Arrival) -> (Change, Option<FeedRow>) {
    let (key, received_at, before) = (record.key(), record.received_at, Before::of(&state.run));
    let change = state.apply(record);
    let row = before.row(key, received_at, arrival, &state.run, &change.new_events);
    (change, row)
}

/// What of a run is compared with the run after a record.
struct Before {
    is_opened: bool,
    is_ended: bool,
    cost: Usd,
    idle_deadline: Option<Timestamp>,
    alive_at: Option<Timestamp>,
    /// Of an implied opening, which a start may replace.
    filed_under: Option<FiledUnder>,
}

impl Before {
    fn of(run: &Run) -> Self {
        let replaceable = run.implied.as_ref().filter(|_| run.start.is_none());
        let is_opened = run.opening().is_some();
        Before {
            is_opened,
            is_ended: is_opened && run.finish.is_some(),
            cost: if is_opened { run.cost() } else { Usd::ZERO },
            idle_deadline: run.idle_deadline(),
            alive_at: run.alive_at,
            filed_under: replaceable.map(FiledUnder::of),
        }
    }

    fn row(
        self,
        key: RunKey,
        received_at: Timestamp,
        arrival: Arrival,
        run: &Run,
        new_events: &[Event],
    ) -> Option<FeedRow> {
        let opening = run.opening()?;
        let is_ended = run.finish.is_some();
        let idle_moved = run.idle_deadline() != self.idle_deadline;
        let did = Did {
            opened: !self.is_opened,
            ended: is_ended && !self.is_ended,
            reopened: !is_ended && idle_moved && self.idle_deadline.is_some_and(|deadline| deadline <= received_at),
            alive: run.alive_at != self.alive_at,
            after_end: self.is_ended && !new_events.is_empty(),
        };
        let unpriced = new_events.iter().any(is_unpriced);
        let replaced = self.filed_under.is_some() && run.start.is_some();
        let changes = idle_moved || unpriced || replaced || run.cost() != self.cost;
        if did == Did::default() && !changes {
            return None;
        }
        let moved_from = self.filed_under.filter(|before| *before != FiledUnder::of(opening));
        let row = FeedRow::of(key, received_at, arrival, run, opening);
        let unpriced = if unpriced { unpriced_of(new_events) } else { Vec::new() };
        let models = models_of(new_events);
        Some(FeedRow { did, cost_before: self.cost, moved_from, unpriced, models, ..row })
    }
}
