//! Incidents: a row of a month of a team, newest first, and one under each id that says in which month it is.
//!
//! Which of them are open is known without these rows: the [standings](crate::standings) of agents name theirs, and the
//! [tracks](crate::check_tracks) of checks have their own.

mod open;

use serde::{Deserialize, Serialize};
use tidegate_agentping::{Slug, TeamId};
use tidegate_agentping_pulse::incident::IncidentId;
use tidegate_agentping_pulse::{AlertKind, AlertSeverity, Edge, IncidentEdge, IncidentOrigin};
use tidegate_kernel::{Month, SmolStr, Timestamp};
use tidegate_ports::{Meeting, RowKey, RowScan, RowTable, RowWrite, Rows, ScanOrder, StoreError};

use crate::document::{rank, read, smol, sortable, written};

pub use open::open_check_incidents;

/// The table of incidents. A row stays for 120 days after the last slot or run of its incident.
pub static INCIDENTS: RowTable = RowTable { name: "incidents", keep_days: 120, meeting: Meeting::HigherRank };
/// Under an incident's id: when it was opened.
pub static INCIDENT_PLACES: RowTable =
    RowTable { name: "incident_places", keep_days: 120, meeting: Meeting::HigherRank };

/// How much higher the rank of a resolved incident is than that of an open one, which counts its slots.
const RESOLVED: u64 = 100_000_000;
/// Months that can have rows.
const MONTHS: i32 = 5;
const PAGE: usize = 200;
/// How many incidents are looked at for open ones before agents and checks are asked. Most teams have no more.
const NEWEST_LOOKED_AT: usize = PAGE;

/// An incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentDoc {
    pub id: IncidentId,
    pub agent: Slug,
    pub kind: AlertKind,
    pub severity: AlertSeverity,
    #[serde(rename = "opened_at_ms")]
    pub opened_at: Timestamp,
    #[serde(rename = "resolved_at_ms", default, skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<Timestamp>,
    /// What opened it.
    pub origin: IncidentOrigin,
    /// What resolved it; not known of those that were resolved before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_by: Option<IncidentOrigin>,
    /// Slots or runs in it.
    pub count: u32,
}

impl IncidentDoc {
    /// The incident after this edge. A run that was received before it was opened, and came late, resolves it at once.
    pub fn of(edge: &IncidentEdge, agent: &Slug, origin: IncidentOrigin) -> Self {
        IncidentDoc {
            id: edge.incident,
            agent: agent.clone(),
            kind: edge.kind,
            severity: edge.kind.severity(),
            opened_at: edge.opened_at,
            resolved_at: (edge.edge == Edge::Resolved).then_some(edge.timestamp.max(edge.opened_at)),
            origin,
            resolved_by: (edge.edge == Edge::Resolved).then_some(edge.origin),
            count: edge.count,
        }
    }

    pub const fn is_open(&self) -> bool {
        self.resolved_at.is_none()
    }

    /// Its rows.
    pub fn rows(&self, team: TeamId) -> [RowWrite; 2] {
        let resolved = if self.is_open() { 0 } else { RESOLVED };
        let step = u64::from(self.count).min(RESOLVED - 1) + resolved;
        let key = RowKey { table: &INCIDENTS, shard: month_shard(team, Month::of(self.opened_at)), row: self.name() };
        let row = RowWrite { key, rank: rank(self.opened_at, step), doc: Some(written(self)) };
        let place = RowWrite {
            key: place_key(team, self.id),
            rank: rank(self.opened_at, 0),
            doc: Some(written(&self.opened_at)),
        };
        [row, place]
    }

    /// Sorts incidents of a team by when they were opened; the cursor of a listing.
    pub fn name(&self) -> SmolStr {
        name(self.opened_at, self.id)
    }

    /// One incident of a team.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn read(rows: &dyn Rows, team: TeamId, id: IncidentId) -> Result<Option<IncidentDoc>, StoreError> {
        let place = place_key(team, id);
        let found = rows.get(std::slice::from_ref(&place)).await?.into_iter().next().flatten();
        let opened_at = found.and_then(|doc| read::<Timestamp>(INCIDENT_PLACES.name, &place.shard, &doc));
        let Some(opened_at) = opened_at else { return Ok(None) };
        let shard = month_shard(team, Month::of(opened_at));
        let key = RowKey { table: &INCIDENTS, shard: shard.clone(), row: name(opened_at, id) };
        let found = rows.get(&[key]).await?.into_iter().next().flatten();
        Ok(found.and_then(|doc| read(INCIDENTS.name, &shard, &doc)))
    }
}

/// Which incidents to list, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentQuery {
    pub team: TeamId,
    pub agent: Option<Slug>,
    pub kind: Option<AlertKind>,
    pub is_open: Option<bool>,
    /// Only those after this name ([`IncidentDoc::name`]) in the order.
    pub after: Option<SmolStr>,
    pub limit: usize,
}

impl IncidentQuery {
    /// Reads them by months, back to the oldest month that can have rows. Where only open ones are asked for, about 200
    /// of the newest are looked at. Older ones are those that agents' standings and checks' tracks name as open, so that
    /// the resolved ones among them are not read.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn read(&self, rows: &dyn Rows, now: Timestamp) -> Result<Vec<IncidentDoc>, StoreError> {
        let most = if self.is_open == Some(true) { NEWEST_LOOKED_AT } else { usize::MAX };
        let newest = Month::of(now).next().number();
        let (mut found, last) = self.of_months(rows, newest, most).await?;
        if let Some(last) = last {
            let oldest = sortable(Month::from_number(newest - MONTHS).start());
            let limit = self.limit - found.len();
            found.extend(open::between(rows, self, (&oldest, &last), limit).await?);
        }
        Ok(found)
    }

    /// Reads a month at a time, until the limit is reached or `most` incidents were looked at. In the latter case the
    /// second value is the name of the last one that was looked at.
    async fn of_months(
        &self,
        rows: &dyn Rows,
        newest: i32,
        most: usize,
    ) -> Result<(Vec<IncidentDoc>, Option<SmolStr>), StoreError> {
        let first = self.after.as_deref().and_then(opened_at_of).map_or(newest, |at| Month::of(at).number());
        let (mut found, mut looked_at) = (Vec::new(), 0);
        for month in (newest - MONTHS..=first.min(newest)).rev() {
            let shard = month_shard(self.team, Month::from_number(month));
            let mut after = self.after.clone();
            loop {
                let order = ScanOrder::Descending;
                let scan = RowScan { table: &INCIDENTS, shard: shard.clone(), after, order, limit: PAGE };
                let page = rows.scan(&scan).await?;
                looked_at += page.len();
                let docs = page.iter().filter_map(|row| read::<IncidentDoc>(INCIDENTS.name, &shard, &row.doc));
                found.extend(docs.filter(|doc| self.takes(doc)).take(self.limit - found.len()));
                if found.len() >= self.limit {
                    return Ok((found, None));
                }
                after = page.last().map(|row| row.row.clone());
                if looked_at >= most {
                    return Ok((found, after));
                }
                if page.len() < PAGE {
                    break;
                }
            }
        }
        Ok((found, None))
    }

    fn takes(&self, doc: &IncidentDoc) -> bool {
        self.agent.as_ref().is_none_or(|agent| *agent == doc.agent)
            && self.kind.is_none_or(|kind| kind == doc.kind)
            && self.is_open.is_none_or(|open| open == doc.is_open())
    }
}

fn month_shard(team: TeamId, month: Month) -> SmolStr {
    smol!("{team}/{month}")
}

fn place_key(team: TeamId, id: IncidentId) -> RowKey {
    RowKey { table: &INCIDENT_PLACES, shard: smol!("{team}/{id}"), row: "opened_at".into() }
}

fn name(opened_at: Timestamp, id: IncidentId) -> SmolStr {
    smol!("{}-{id}", sortable(opened_at))
}

fn opened_at_of(name: &str) -> Option<Timestamp> {
    name.split_once('-')?.0.parse().ok().map(Timestamp::from_millis)
}

#[cfg(test)]
mod tests;
