//! What readers ask besides listings: one run, agents, usage, a month's spend.

use std::sync::{Mutex, PoisonError};

use futures_util::{StreamExt, TryStreamExt, stream};
use scylla::response::PagingState;
use scylla::value::CqlTimestamp;
use tidegate_domain::{Event, Month, Run, RunKey, Slug, TeamId, Timestamp};
use tidegate_ports::registry::agent_id;
use tidegate_ports::{AgentRow, EventRow, Spend, SpendTally, StoreError};

use super::ScyllaStore;
use super::places::{Facet, USAGE_BUCKETS, instant};
use super::slots::{Lane, Slot, Stretch};
use crate::failure::unreadable;
use crate::session::Cql;

/// An event may have a megabyte.
const EVENTS_PER_PAGE: i32 = 200;
const LINES_PER_PAGE: i32 = 1_000;
/// Partitions of a sum read side by side.
const SIDE_BY_SIDE: usize = 16;

impl ScyllaStore {
    /// A run and its events, by time, then id; `None` for an orphan.
    pub(super) async fn whole_run(&self, key: RunKey) -> Result<Option<(Run, Vec<EventRow>)>, StoreError> {
        let Some(summary) = self.summary(key).await?.filter(|summary| summary.run.opening().is_some()) else {
            return Ok(None);
        };
        let values = (key.team.to_string(), key.run.to_string());
        let mut events: Vec<EventRow> = Vec::new();
        let mut from = Some(PagingState::start());
        while let Some(state) = from {
            let statement = &self.cql.statements().run_events;
            let page = self.cql.page(statement, &values, Some(EVENTS_PER_PAGE), state).await?;
            let rows = page.rows.rows::<(Option<&str>, Option<CqlTimestamp>, Option<&str>, Option<i64>)>();
            for row in rows.map_err(|error| unreadable("events", error))? {
                // A run without events has one row of nothing but its summary.
                let (Some(id), Some(received_at), Some(body), Some(written)) =
                    row.map_err(|error| unreadable("events", error))?
                else {
                    continue;
                };
                if written > summary.position {
                    continue;
                }
                let event: Result<Event, _> = serde_json::from_str(body);
                let event = event.map_err(|error| unreadable(&format!("event {id}"), error))?;
                events.push(EventRow { event, received_at: instant(received_at) });
            }
            from = page.next;
        }
        events.sort_by_key(|row| (row.event.ts, row.event.id));
        Ok(Some((summary.run, events)))
    }

    pub(super) async fn units_in(&self, team: TeamId, month: Month) -> Result<u64, StoreError> {
        let sum = |bucket: i8| {
            let (cql, values) = (self.cql.clone(), (team.to_string(), month.to_string(), bucket));
            async move {
                let found = cql.run(&cql.statements().usage, &values).await?;
                let row = found.rows.first_row::<(Option<i64>,)>();
                let (units,) = row.map_err(|error| unreadable("run_usage", error))?;
                Ok::<u64, StoreError>(units.and_then(|units| u64::try_from(units).ok()).unwrap_or(0))
            }
        };
        let buckets = stream::iter(0..USAGE_BUCKETS.cast_signed()).map(sum).buffer_unordered(SIDE_BY_SIDE);
        buckets.try_fold(0_u64, |sum, units| async move { Ok(sum.saturating_add(units)) }).await
    }

    /// The lines of all runs that started in the month, summed as they come.
    pub(super) async fn spend_in(&self, team: TeamId, month: Month, now: Timestamp) -> Result<Spend, StoreError> {
        let facet = Facet::all();
        let stretch = Stretch { from: month.start(), before: (month.next().start(), String::new()) };
        let tally = Mutex::new(SpendTally::default());
        let slots = self.cql.slots(team, &facet, &stretch).await?;
        let lane = |slot: Slot| Lane::of(team, &facet, slot, &stretch, LINES_PER_PAGE);
        let lanes: Vec<Lane> = slots.into_iter().map(lane).collect();
        let tally_ref = &tally;
        let sum = |mut lane: Lane| async move {
            loop {
                lane.fill(&self.cql).await?;
                if lane.rows.is_empty() {
                    return Ok::<(), StoreError>(());
                }
                // Adding does not panic.
                let mut tally = tally_ref.lock().unwrap_or_else(PoisonError::into_inner);
                lane.rows.drain(..).for_each(|row| tally.add(row.line.spend_at(now)));
            }
        };
        stream::iter(lanes).map(sum).buffer_unordered(SIDE_BY_SIDE).try_collect::<()>().await?;
        let unpriced = self.unpriced_in(team, month).await?;
        Ok(tally.into_inner().unwrap_or_else(PoisonError::into_inner).finish(unpriced))
    }

    async fn unpriced_in(&self, team: TeamId, month: Month) -> Result<Vec<(String, String)>, StoreError> {
        let values = (team.to_string(), month.to_string());
        let mut models = Vec::new();
        let mut from = Some(PagingState::start());
        while let Some(state) = from {
            let page = self.cql.page(&self.cql.statements().unpriced, &values, None, state).await?;
            for row in page.rows.rows::<(String, String)>().map_err(|error| unreadable("unpriced_models", error))? {
                models.push(row.map_err(|error| unreadable("unpriced_models", error))?);
            }
            from = page.next;
        }
        Ok(models)
    }
}

impl Cql {
    /// The agents that runs were opened for, by slug.
    pub(crate) async fn agents_of_runs(&self, team: TeamId) -> Result<Vec<AgentRow>, StoreError> {
        let values = (team.to_string(),);
        let mut agents = Vec::new();
        let mut from = Some(PagingState::start());
        while let Some(state) = from {
            let page = self.page(&self.statements().agents, &values, None, state).await?;
            let rows = page.rows.rows::<(&str, Option<CqlTimestamp>, Option<CqlTimestamp>)>();
            for row in rows.map_err(|error| unreadable("run_agents", error))? {
                let (slug, first, last) = row.map_err(|error| unreadable("run_agents", error))?;
                let slug = Slug::parse(slug).map_err(|error| unreadable("run_agents", error))?;
                let (Some(first), last) = (first.map(instant), last.map(instant)) else {
                    continue;
                };
                agents.push(AgentRow { id: agent_id(team, &slug), slug, first_seen: first, last_seen: last });
            }
            from = page.next;
        }
        Ok(agents)
    }
}
