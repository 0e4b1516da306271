//! Reads messages: one, those of a route, and how many there are.

use std::sync::Arc;

use tidegate_agentping::TeamId;
use tidegate_agentping_pulse::{DeliveryId, IncidentId};
use tidegate_agentping_settings::DigestSpan;
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::{KeptRow, RowKey, RowScan, Rows, ScanOrder, StoreError};

use crate::delivery::{DeliveryDoc, DeliveryProgress, DeliveryRef, DeliveryState};
use crate::event::MessageEdge;
use crate::health::RouteHealth;
use crate::outbox::read;
use crate::rows::{
    DELIVERY_PROGRESS, INCIDENT_DELIVERIES, LISTED_DAYS, ROUTE_DELIVERIES, day_of, delivery_key, health_key, named,
    route_day, timed_key, timed_name,
};

const PAGE: usize = 500;
/// Days over which a message is tried at most, those that a receiver asks for included.
const TRIED_DAYS: i64 = 5;

/// Reads stored messages. Cheap to clone.
#[derive(Clone)]
pub struct Messages(Arc<dyn Rows>);

/// A message, and how far it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivered {
    pub doc: DeliveryDoc,
    pub progress: DeliveryProgress,
}

/// How many messages a route has, by their states. What was made is counted apart from what became of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct DeliveryTotals {
    pub made: u64,
    pub sent: u64,
    pub failed: u64,
    pub muted: u64,
    pub waiting: u64,
}

impl Messages {
    pub fn new(rows: Arc<dyn Rows>) -> Self {
        Messages(rows)
    }

    /// One message of a team; `None`: there is none, or it is another team's.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn one(&self, team: TeamId, id: DeliveryId) -> Result<Option<Delivered>, StoreError> {
        let Some(doc) = self.first(delivery_key(id)).await? else { return Ok(None) };
        let doc: DeliveryDoc = read(&doc)?;
        if doc.team != team || !doc.is_listed() {
            return Ok(None);
        }
        let progress = self.progress(&doc).await?;
        Ok(Some(Delivered { doc, progress }))
    }

    /// How far a message is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn progress(&self, doc: &DeliveryDoc) -> Result<DeliveryProgress, StoreError> {
        let stored = self.first(timed_key(&DELIVERY_PROGRESS, &doc.route, doc.made_at, doc.id)).await?;
        match stored {
            Some(stored) => read(&stored),
            None => Ok(DeliveryProgress { state: doc.first_state(), ..DeliveryProgress::default() }),
        }
    }

    /// Messages of a route, the newest first, that come after this one; at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn of_route(
        &self,
        route: &str,
        after: Option<(Timestamp, DeliveryId)>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Delivered>, StoreError> {
        let newest = after.map_or(day_of(now) + 1, |(at, _)| day_of(at));
        let mut after = after.map(|(at, id)| timed_name(at, id));
        let mut found = Vec::new();
        for day in (day_of(now) - LISTED_DAYS..=newest).rev() {
            let scan = RowScan {
                table: &ROUTE_DELIVERIES,
                shard: route_day(route, day),
                after: after.take(),
                order: ScanOrder::Descending,
                limit: limit - found.len(),
            };
            for row in self.0.scan(&scan).await? {
                found.push(read::<DeliveryRef>(&row.doc)?);
            }
            if found.len() >= limit {
                break;
            }
        }
        self.whole(&found).await
    }

    /// The newest messages about an incident, the newest first; at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn of_incident(
        &self,
        team: TeamId,
        incident: IncidentId,
        limit: usize,
    ) -> Result<Vec<Delivered>, StoreError> {
        let (table, shard) = (&INCIDENT_DELIVERIES, SmolStr::new(incident.text().as_str()));
        let scan = RowScan { table, shard, after: None, order: ScanOrder::Descending, limit };
        let rows = self.0.scan(&scan).await?;
        let found = rows.iter().map(|row| read::<DeliveryRef>(&row.doc)).collect::<Result<Vec<_>, _>>()?;
        let whole = self.whole(&found).await?;
        Ok(whole.into_iter().filter(|one| one.doc.team == team).collect())
    }

    /// Messages of a route that were given up in this period, the oldest first, at most `limit`; tests are none. Of those that were made
    /// more than five days before they were given up nothing is found: no tries take as long.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn given_up(&self, route: &str, span: DigestSpan, limit: usize) -> Result<Vec<DeliveryDoc>, StoreError> {
        let mut keys = Vec::new();
        for day in day_of(span.from) - TRIED_DAYS..=day_of(span.to) {
            for row in self.all_of(&DELIVERY_PROGRESS, route, day).await? {
                let progress: DeliveryProgress = read(&row.doc)?;
                let Some((made_at, id)) = named(&row.row).filter(|_| progress.state == DeliveryState::Failed) else {
                    continue;
                };
                // One that was not tried at all was given up when it was to be.
                let ended_at = progress.tries.last().map_or(made_at, |last| last.at);
                if span.has(ended_at) {
                    keys.push(delivery_key(id));
                }
            }
        }
        let mut given_up = Vec::new();
        for keys in keys.chunks(PAGE) {
            for doc in self.0.get(keys).await?.into_iter().flatten() {
                let doc = read::<DeliveryDoc>(&doc)?;
                if doc.is_listed() && doc.edge != MessageEdge::Test {
                    given_up.push(doc);
                }
            }
            if given_up.len() >= limit {
                break;
            }
        }
        given_up.truncate(limit);
        Ok(given_up)
    }

    async fn whole(&self, found: &[DeliveryRef]) -> Result<Vec<Delivered>, StoreError> {
        let keys: Vec<RowKey> = found.iter().map(|one| delivery_key(one.id)).collect();
        let docs = self.0.get(&keys).await?;
        let progress = |one: &DeliveryRef| timed_key(&DELIVERY_PROGRESS, &one.route, one.made_at, one.id);
        let keys: Vec<RowKey> = found.iter().map(progress).collect();
        let all_progress = self.0.get(&keys).await?;
        let mut whole = Vec::new();
        for (doc, progress) in docs.into_iter().zip(all_progress) {
            let Some(doc) = doc else { continue };
            let doc: DeliveryDoc = read(&doc)?;
            let progress = match progress {
                Some(progress) => read(&progress)?,
                None => DeliveryProgress { state: doc.first_state(), ..DeliveryProgress::default() },
            };
            whole.push(Delivered { doc, progress });
        }
        Ok(whole)
    }

    /// Counts the messages of a route of the last 90 days.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn totals(&self, route: &str, now: Timestamp) -> Result<DeliveryTotals, StoreError> {
        let mut totals = DeliveryTotals::default();
        for day in day_of(now) - LISTED_DAYS..=day_of(now) + 1 {
            // Read before what was made: a message that is made meanwhile waits, and is not missing.
            let mut states = std::collections::HashMap::new();
            for row in self.all_of(&DELIVERY_PROGRESS, route, day).await? {
                states.insert(row.row, read::<DeliveryProgress>(&row.doc)?.state);
            }
            for row in self.all_of(&ROUTE_DELIVERIES, route, day).await? {
                let first = || match read::<DeliveryRef>(&row.doc) {
                    Ok(one) if one.is_muted => DeliveryState::Muted,
                    _ => DeliveryState::Waiting,
                };
                totals.made += 1;
                match states.remove(&row.row).unwrap_or_else(first) {
                    DeliveryState::Sent => totals.sent += 1,
                    DeliveryState::Failed => totals.failed += 1,
                    DeliveryState::Muted => totals.muted += 1,
                    DeliveryState::Waiting => totals.waiting += 1,
                }
            }
        }
        Ok(totals)
    }

    async fn all_of(
        &self,
        table: &'static tidegate_ports::RowTable,
        route: &str,
        day: i64,
    ) -> Result<Vec<KeptRow>, StoreError> {
        let mut all: Vec<KeptRow> = Vec::new();
        loop {
            let after: Option<SmolStr> = all.last().map(|row| row.row.clone());
            let order = ScanOrder::Ascending;
            let page = self.0.scan(&RowScan { table, shard: route_day(route, day), after, order, limit: PAGE }).await?;
            let is_last = page.len() < PAGE;
            all.extend(page);
            if is_last {
                return Ok(all);
            }
        }
    }

    /// How a route does.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn health(&self, team: TeamId, route: &str) -> Result<RouteHealth, StoreError> {
        let stored = self.first(health_key(team, route)).await?;
        stored.map_or_else(|| Ok(RouteHealth::default()), |stored| read(&stored))
    }

    async fn first(&self, key: RowKey) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.get(&[key]).await?.into_iter().next().flatten())
    }
}

/// Where a list of messages goes on, from the text of its cursor.
pub fn cursor_place(text: &str) -> Option<(Timestamp, DeliveryId)> {
    named(text)
}
