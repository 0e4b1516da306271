//! The state of one kind of incident of one agent: how many in a row went wrong or well, whether an incident is open,
//! and whether it changes too often.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use tidegate_kernel::Timestamp;

use super::derived_id::{IncidentId, incident_id};
use super::{Edge, IncidentEdge, IncidentOrigin, Subject};

/// How many in a row open and resolve an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InARow {
    pub alert_after: u16,
    pub recover_after: u16,
}

impl InARow {
    pub const ONE: InARow = InARow { alert_after: 1, recover_after: 1 };
}

/// An incident that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenIncident {
    pub id: IncidentId,
    /// When it became true.
    pub opened_at: Timestamp,
    /// What opened it.
    pub origin: IncidentOrigin,
    /// Slots or runs in it.
    pub count: u32,
}

/// The state. Without trouble it needs no memory of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Track {
    #[serde(default, skip_serializing_if = "is_zero")]
    bad_in_a_row: u16,
    #[serde(default, skip_serializing_if = "is_zero")]
    good_in_a_row: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    open: Option<Box<OpenIncident>>,
    /// When it was last opened or resolved, the oldest first.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    changes: VecDeque<Timestamp>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_flapping: bool,
    /// When the last one went wrong of those in a row, or in the open incident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_bad: Option<Timestamp>,
}

fn is_zero(number: &u16) -> bool {
    *number == 0
}

impl Track {
    /// More changes than this in an hour are flapping.
    pub const MAX_CHANGES: usize = 6;
    /// The hour in which changes are counted, and after which one that does not change is stable.
    pub const STABLE_AFTER_MS: i64 = 3_600_000;

    /// Nothing is known of it.
    pub fn is_idle(&self) -> bool {
        *self == Track::default()
    }

    pub fn open(&self) -> Option<&OpenIncident> {
        self.open.as_deref()
    }

    pub fn is_flapping(&self) -> bool {
        self.is_flapping
    }

    /// When the last one went wrong, of those in a row or in the open incident.
    pub fn last_bad(&self) -> Option<Timestamp> {
        self.last_bad
    }

    /// When [`Track::settle`] has something to do.
    pub fn stable_at(&self) -> Option<Timestamp> {
        let last = self.changes.back().filter(|_| self.is_flapping)?;
        Some(last.plus_millis(Self::STABLE_AFTER_MS))
    }

    /// One went wrong.
    pub fn bad(
        &mut self,
        subject: &Subject,
        in_a_row: InARow,
        origin: IncidentOrigin,
        at: Timestamp,
    ) -> Option<IncidentEdge> {
        self.bad_in_a_row = self.bad_in_a_row.saturating_add(1);
        self.good_in_a_row = 0;
        self.last_bad = self.last_bad.max(Some(at));
        if let Some(open) = &mut self.open {
            open.count = open.count.saturating_add(1);
            return self.edge(subject, Edge::Repeat, origin, at);
        }
        if self.bad_in_a_row < in_a_row.alert_after {
            return None;
        }
        let count = u32::from(self.bad_in_a_row);
        let id = incident_id(subject, origin, at);
        self.open = Some(Box::new(OpenIncident { id, opened_at: at, origin, count }));
        self.changed(subject, Edge::Firing, origin, at)
    }

    /// One went well.
    pub fn good(
        &mut self,
        subject: &Subject,
        in_a_row: InARow,
        origin: IncidentOrigin,
        at: Timestamp,
    ) -> Option<IncidentEdge> {
        self.bad_in_a_row = 0;
        self.good_in_a_row = self.good_in_a_row.saturating_add(1);
        let is_enough = self.good_in_a_row >= in_a_row.recover_after;
        let edge = if is_enough { self.resolve(subject, origin, at) } else { None };
        if self.open.is_none() {
            self.last_bad = None;
        }
        edge
    }

    /// One that counted as wrong was well after all, and so many came after it that were not.
    pub fn well_after_all(
        &mut self,
        subject: &Subject,
        in_a_row: InARow,
        origin: IncidentOrigin,
        at: Timestamp,
        bad_after: u32,
    ) -> Option<IncidentEdge> {
        if bad_after == 0 {
            return self.good(subject, in_a_row, origin, at);
        }
        self.bad_in_a_row = self.bad_in_a_row.min(u16::try_from(bad_after).unwrap_or(u16::MAX));
        None
    }

    /// Resolves what is open: not before it was opened and the last one went wrong, also by a run that was received
    /// before.
    pub fn resolve(&mut self, subject: &Subject, origin: IncidentOrigin, at: Timestamp) -> Option<IncidentEdge> {
        let opened_at = self.open()?.opened_at;
        let at = self.last_bad.map_or(at, |last| at.max(last)).max(opened_at);
        let edge = self.changed(subject, Edge::Resolved, origin, at);
        self.open = None;
        edge
    }

    /// Nothing is expected any more: what is open is resolved, and what comes later counts from the beginning.
    pub fn end(&mut self, subject: &Subject, origin: IncidentOrigin, at: Timestamp) -> Option<IncidentEdge> {
        let edge = self.resolve(subject, origin, at);
        (self.bad_in_a_row, self.good_in_a_row, self.last_bad) = (0, 0, None);
        edge
    }

    /// Ends flapping once an hour has passed without a change. What is open then fires, since its opening was not sent.
    pub fn settle(&mut self, subject: &Subject, to: Timestamp) -> Option<IncidentEdge> {
        let stable_at = self.stable_at().filter(|at| *at <= to)?;
        self.is_flapping = false;
        self.changes = VecDeque::new();
        let origin = self.open()?.origin;
        self.edge(subject, Edge::Firing, origin, stable_at)
    }

    /// The incident is still open.
    pub fn reminder(&self, subject: &Subject, at: Timestamp) -> Option<IncidentEdge> {
        self.edge(subject, Edge::Reminder, self.open()?.origin, at)
    }

    /// The state changes: the message, unless it changes too often.
    fn changed(
        &mut self,
        subject: &Subject,
        edge: Edge,
        origin: IncidentOrigin,
        at: Timestamp,
    ) -> Option<IncidentEdge> {
        let recent = at.plus_millis(-Self::STABLE_AFTER_MS);
        self.changes.retain(|change| *change > recent);
        self.changes.push_back(at);
        // A recovery is sent to whom its alert was sent, so flapping begins with an opening.
        let begins = edge == Edge::Firing && !self.is_flapping && self.changes.len() > Self::MAX_CHANGES;
        self.is_flapping |= begins;
        while self.changes.len() > Self::MAX_CHANGES + 1 {
            self.changes.pop_front();
        }
        self.edge(subject, if begins { Edge::Flapping } else { edge }, origin, at)
    }

    fn edge(
        &self,
        subject: &Subject,
        edge: Edge,
        origin: IncidentOrigin,
        timestamp: Timestamp,
    ) -> Option<IncidentEdge> {
        let OpenIncident { id, opened_at, count, .. } = *self.open()?;
        let is_quiet = self.is_flapping && edge != Edge::Flapping;
        Some(IncidentEdge { incident: id, kind: subject.kind, edge, origin, timestamp, opened_at, count, is_quiet })
    }
}
