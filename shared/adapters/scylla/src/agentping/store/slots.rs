//! Slots: the partitions of one listing that contain runs, newest day first, and their rows.

use std::collections::VecDeque;

use scylla::response::PagingState;
use scylla::value::{CqlDate, CqlTimestamp};
use tidegate_agentping::{RunId, TeamId};
use tidegate_kernel::Timestamp;
use tidegate_ports::StoreError;

use super::layout::{Day, Facet, cql_instant, instant};
use super::listing_cell::ListingCell;
use crate::agentping::AgentPingCql;
use crate::failure::unreadable;

/// A day's bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub day: Day,
    pub bucket: i8,
}

/// A range of a listing, newest first: from an instant on, and before a row in the order.
#[derive(Clone, Debug)]
pub(super) struct Stretch {
    pub from: Timestamp,
    /// Only rows before this instant, or at it with an id below this one.
    pub before: (Timestamp, String),
}

impl Stretch {
    /// Empty, as no run is listed before it ends.
    pub fn is_empty(&self) -> bool {
        self.from > self.before.0 || (self.from == self.before.0 && self.before.1.is_empty())
    }
}

/// A row of a listing.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub listed_at: Timestamp,
    pub run: RunId,
    pub line: ListingCell,
}

impl AgentPingCql {
    /// The slots of a listing that contain runs of the range, newest day first.
    pub(super) async fn slots(&self, team: TeamId, facet: &Facet, stretch: &Stretch) -> Result<Vec<Slot>, StoreError> {
        let (first, last) = (Day::of(stretch.from).to_cql(), Day::of(stretch.before.0).to_cql());
        let values = (team.to_string(), facet.name, facet.label.as_str(), first, last);
        let mut slots = Vec::new();
        let mut from = Some(PagingState::start());
        while let Some(state) = from {
            let page = self.page(&self.statements().days, &values, None, state).await?;
            for row in page.rows.rows::<(CqlDate, i8)>().map_err(|error| unreadable("run_days", error))? {
                let (day, bucket) = row.map_err(|error| unreadable("run_days", error))?;
                slots.push(Slot { day: Day::from_cql(day), bucket });
            }
            from = page.next;
        }
        Ok(slots)
    }
}

/// The rows of one slot, page by page.
pub(super) struct SlotRows {
    values: (String, &'static str, String, CqlDate, i8, CqlTimestamp, &'static str, CqlTimestamp, String),
    page_rows: i32,
    next: Option<PagingState>,
    pub rows: VecDeque<Listed>,
}

impl SlotRows {
    pub fn of(team: TeamId, facet: &Facet, slot: Slot, stretch: &Stretch, page_rows: i32) -> Self {
        let Stretch { from, before: (instant, run) } = stretch;
        let label = facet.label.clone();
        let (from, before) = (cql_instant(*from), cql_instant(*instant));
        let (day, bucket) = (slot.day.to_cql(), slot.bucket);
        SlotRows {
            // The lower bound's empty id is below every id.
            values: (team.to_string(), facet.name, label, day, bucket, from, "", before, run.clone()),
            page_rows,
            next: Some(PagingState::start()),
            rows: VecDeque::new(),
        }
    }

    /// Reads pages until there are rows or the slot ends.
    pub async fn fill(&mut self, cql: &AgentPingCql) -> Result<(), StoreError> {
        while self.rows.is_empty() {
            let Some(state) = self.next.take() else {
                return Ok(());
            };
            let page = cql.page(&cql.statements().listing, &self.values, Some(self.page_rows), state).await?;
            let rows = page.rows.rows::<(CqlTimestamp, &str, &str)>();
            for row in rows.map_err(|error| unreadable("run_listing", error))? {
                let (listed_at, run, line) = row.map_err(|error| unreadable("run_listing", error))?;
                let run: RunId = run.parse().map_err(|error| unreadable("run_listing", error))?;
                let line = serde_json::from_str(line).map_err(|error| unreadable("run_listing", error))?;
                self.rows.push_back(Listed { listed_at: instant(listed_at), run, line });
            }
            self.next = page.next;
        }
        Ok(())
    }

    pub fn needs_filling(&self) -> bool {
        self.rows.is_empty() && self.next.is_some()
    }
}
