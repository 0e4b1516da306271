//! Queries other than those of single runs: agents, usage, repeats, a month's spend.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use futures_util::{StreamExt, TryStreamExt, stream};
use scylla::response::PagingState;
use scylla::value::CqlTimestamp;
use tidegate_agentping::{Slug, TeamId};
use tidegate_agentping_ports::registry::agent_id;
use tidegate_agentping_ports::runs::UNPRICED_MAX;
use tidegate_agentping_ports::{AgentRepeats, AgentRow, Spend, SpendTally};
use tidegate_kernel::{Month, Timestamp};
use tidegate_ports::StoreError;

use super::ScyllaStore;
use super::layout::{Facet, USAGE_BUCKETS, instant};
use super::slots::{Slot, SlotRows, Stretch};
use crate::agentping::AgentPingCql;
use crate::failure::unreadable;

const LINES_PER_PAGE: i32 = 1_000;
/// How many partitions of a sum are read concurrently.
const SIDE_BY_SIDE: usize = 16;

impl ScyllaStore {
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

    /// Repeats by agent. The server adds up the runs of each agent, so that a bucket returns one row per agent.
    pub(super) async fn repeats_in(&self, team: TeamId, month: Month) -> Result<Vec<AgentRepeats>, StoreError> {
        let sums = |bucket: i8| self.repeats_in_bucket(team, month, bucket);
        let buckets = stream::iter(0..USAGE_BUCKETS.cast_signed()).map(sums).buffer_unordered(SIDE_BY_SIDE);
        let mut times_of: BTreeMap<Slug, u64> = BTreeMap::new();
        for (agent, times) in buckets.try_concat().await? {
            let sum = times_of.entry(agent).or_default();
            *sum = sum.saturating_add(times);
        }
        Ok(times_of.into_iter().map(|(agent, times)| AgentRepeats { agent, times }).collect())
    }

    async fn repeats_in_bucket(&self, team: TeamId, month: Month, bucket: i8) -> Result<Vec<(Slug, u64)>, StoreError> {
        let values = (team.to_string(), month.to_string(), bucket);
        let mut sums = Vec::new();
        let mut from = Some(PagingState::start());
        while let Some(state) = from {
            let page = self.cql.page(&self.cql.statements().repeats, &values, None, state).await?;
            for row in page.rows.rows::<(&str, Option<i64>)>().map_err(|error| unreadable("run_repeats", error))? {
                let (agent, times) = row.map_err(|error| unreadable("run_repeats", error))?;
                let agent = Slug::parse(agent).map_err(|error| unreadable("run_repeats", error))?;
                sums.push((agent, times.and_then(|times| u64::try_from(times).ok()).unwrap_or(0)));
            }
            from = page.next;
        }
        Ok(sums)
    }

    /// Sums the listing rows of all runs of the month as they are read.
    pub(super) async fn spend_in(&self, team: TeamId, month: Month, now: Timestamp) -> Result<Spend, StoreError> {
        let facet = Facet::all();
        let stretch = Stretch { from: month.start(), before: (month.next().start(), String::new()) };
        let spend = Mutex::new(SpendTally::default());
        let slots = self.cql.slots(team, &facet, &stretch).await?;
        let slot_rows = |slot: Slot| SlotRows::of(team, &facet, slot, &stretch, LINES_PER_PAGE);
        let slots_rows: Vec<SlotRows> = slots.into_iter().map(slot_rows).collect();
        let spend_ref = &spend;
        let sum = |mut slot_rows: SlotRows| async move {
            loop {
                slot_rows.fill(&self.cql).await?;
                if slot_rows.rows.is_empty() {
                    return Ok::<(), StoreError>(());
                }
                // An addition does not panic, so a poisoned sum is consistent.
                let mut spend = spend_ref.lock().unwrap_or_else(PoisonError::into_inner);
                slot_rows.rows.drain(..).for_each(|row| spend.add(row.line.spend_at(row.listed_at, now)));
            }
        };
        stream::iter(slots_rows).map(sum).buffer_unordered(SIDE_BY_SIDE).try_collect::<()>().await?;
        let unpriced = self.unpriced_in(team, month).await?;
        Ok(spend.into_inner().unwrap_or_else(PoisonError::into_inner).finish(unpriced))
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
            from = page.next.filter(|_| models.len() < UNPRICED_MAX);
        }
        Ok(models)
    }
}

impl AgentPingCql {
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
                agents.push(AgentRow {
                    id: agent_id(team, &slug),
                    slug,
                    first_seen: first,
                    last_seen: last,
                    archived_at: None,
                });
            }
            from = page.next;
        }
        Ok(agents)
    }
}
