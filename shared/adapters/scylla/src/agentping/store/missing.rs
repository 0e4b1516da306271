//! Counts missing derived rows of runs, for a dry run of a replay. Nothing is written.

use futures_util::{StreamExt, TryStreamExt, stream};
use scylla::serialize::row::SerializeRow;
use scylla::value::CqlTimestamp;
use tidegate_agentping::{EventId, RunKey};
use tidegate_agentping_ports::RunWanted;
use tidegate_ports::StoreError;

use super::ScyllaStore;
use super::derived::{self, LineRow, RepeatsKey, Sighting, UsageKey};
use super::layout::{born_minute, cql_instant};
use super::load::{EVENTS_PER_READ, Summary};
use crate::failure::unreadable;
use crate::statement::Prepared;

/// How many times a run that changes during the check is checked again.
const TRIES: u32 = 5;

impl ScyllaStore {
    /// Hashes of the rows derived from these stored runs that are missing or differ.
    pub(super) async fn missing(&self, wanted: Vec<RunWanted>) -> Result<Vec<u128>, StoreError> {
        let look = |wanted: RunWanted| {
            let store = self.clone();
            async move { store.missing_of_one(&wanted).await }
        };
        let found = stream::iter(wanted).map(look).buffered(self.cql.concurrency()).try_collect::<Vec<_>>().await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn missing_of_one(&self, wanted: &RunWanted) -> Result<Vec<u128>, StoreError> {
        let mut found = Vec::new();
        for _ in 0..TRIES {
            let Some(summary) = self.summary(wanted.key).await? else { return Ok(Vec::new()) };
            found = self.missing_of_run(wanted.key, &summary).await?;
            // A missing row may still be written: the persister writes it after the run.
            if found.is_empty() || self.position_of(wanted.key).await? == Some(summary.position) {
                break;
            }
        }
        for events in wanted.events.chunks(EVENTS_PER_READ) {
            found.extend(self.missing_of_events(wanted, events).await?);
        }
        Ok(found)
    }

    async fn missing_of_run(&self, key: RunKey, Summary { run, .. }: &Summary) -> Result<Vec<u128>, StoreError> {
        let mut missing = Vec::new();
        for row in derived::lines(key, run)? {
            if !self.has_line(&row).await? {
                missing.push(row.hash());
            }
        }
        for row in derived::days(key, run) {
            if !self.has_row(&self.cql.statements().day, &row).await? {
                missing.push(derived::day_hash(&row));
            }
        }
        for row in derived::sightings(key, run) {
            if !self.has_sighting(&row).await? {
                missing.push(row.agent_hash());
            }
        }
        for (row, units) in derived::usage(key, run) {
            if !self.has_usage(&row, units).await? {
                missing.push(derived::usage_hash(&row));
            }
        }
        for (row, times) in derived::repeats(key, run) {
            if !self.has_repeats(&row, times).await? {
                missing.push(derived::repeats_hash(&row));
            }
        }
        Ok(missing)
    }

    async fn missing_of_events(&self, wanted: &RunWanted, events: &[EventId]) -> Result<Vec<u128>, StoreError> {
        let stored = self.stored_events(wanted.key, events).await?;
        let mut missing = Vec::new();
        for row in derived::unpriced(wanted.key, &stored) {
            let values = (&row.team, &row.month, &row.provider, &row.model);
            if !self.has_row(&self.cql.statements().unpriced_model, &values).await? {
                missing.push(row.hash());
            }
        }
        let (team, run) = (wanted.key.team.to_string(), wanted.key.run.to_string());
        for event in stored.iter().map(|row| row.event.id) {
            let values = (&team, born_minute(event), event.to_string(), &run);
            if !self.has_row(&self.cql.statements().event_owner, &values).await? {
                missing.push(derived::owner_hash(wanted.key, event));
            }
        }
        Ok(missing)
    }

    async fn has_row(&self, statement: &Prepared, values: &(impl SerializeRow + Sync)) -> Result<bool, StoreError> {
        Ok(self.cql.run(statement, values).await?.rows.rows_num() > 0)
    }

    async fn has_line(&self, row: &LineRow) -> Result<bool, StoreError> {
        let found = self.cql.run(&self.cql.statements().line, &row.key).await?;
        let line = found.rows.maybe_first_row::<(Option<&str>,)>();
        let line = line.map_err(|error| unreadable("run_listing", error))?.and_then(|(line,)| line);
        Ok(line == Some(row.line.as_str()))
    }

    async fn has_sighting(&self, row: &Sighting) -> Result<bool, StoreError> {
        let found = self.cql.run(&self.cql.statements().agent, &(&row.team, &row.slug)).await?;
        let seen = found.rows.maybe_first_row::<(Option<CqlTimestamp>, Option<CqlTimestamp>)>();
        let at = cql_instant(row.at).0;
        Ok(match seen.map_err(|error| unreadable("run_agents", error))? {
            Some((Some(first), Some(last))) => first.0 <= at && at <= last.0,
            _ => false,
        })
    }

    async fn has_usage(&self, key: &UsageKey, units: i64) -> Result<bool, StoreError> {
        let found = self.cql.run(&self.cql.statements().usage_of_run, key).await?;
        let stored = found.rows.maybe_first_row::<(Option<i64>,)>();
        Ok(stored.map_err(|error| unreadable("run_usage", error))?.and_then(|(units,)| units) == Some(units))
    }

    async fn has_repeats(&self, key: &RepeatsKey, times: i64) -> Result<bool, StoreError> {
        let found = self.cql.run(&self.cql.statements().repeats_of_run, key).await?;
        let stored = found.rows.maybe_first_row::<(Option<i64>,)>();
        Ok(stored.map_err(|error| unreadable("run_repeats", error))?.and_then(|(times,)| times) == Some(times))
    }
}
