//! Orphans: runs without an opening, found by the day of their last receipt.
//!
//! A row of `orphans` is a hint: on that day the run was written as an orphan. The run itself says whether it still is
//! one. Hints of runs that were opened since are deleted when a purge reads them.

use futures_util::{StreamExt, TryStreamExt, stream};
use scylla::response::PagingState;
use scylla::response::query_result::QueryRowsResult;
use scylla::value::{CqlDate, CqlTimestamp};
use tidegate_agentping::{EventId, Run, RunId, RunKey, TeamId};
use tidegate_kernel::Timestamp;
use tidegate_ports::StoreError;

use super::ScyllaStore;
use super::layout::{Day, ORPHAN_BUCKETS, bucket_of, cql_instant, instant};
use super::load::Summary;
use crate::failure::unreadable;
use crate::session::Page;

/// The index of days is one small partition.
const DAY_INDEX_LANE: i8 = 0;

/// A day's bucket that has hints, with the write time of its index row.
#[derive(Clone, Copy)]
struct Marked {
    day: Day,
    bucket: i8,
    written: i64,
}

impl ScyllaStore {
    /// Writes the hint first, then the index row: a reader that finds the index row's newest write finds the hint too.
    pub(super) async fn mark_orphan(&self, key: RunKey, run: &Run, at: i64) -> Result<(), StoreError> {
        if run.opening().is_some() {
            return Ok(());
        }
        let (day, bucket) = (Day::of(run.last_received).to_cql(), bucket_of(key.run, ORPHAN_BUCKETS));
        let last_received = cql_instant(run.last_received);
        let hint = (day, bucket, key.team.to_string(), key.run.to_string(), at, last_received, at);
        self.cql.write(&self.cql.statements().save_orphan, &hint).await?;
        self.cql.write(&self.cql.statements().mark_orphan_day, &(DAY_INDEX_LANE, day, bucket)).await
    }

    pub(super) async fn purge(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let mut purged = 0;
        for marked in self.marked_days(before).await? {
            if purged == limit {
                break;
            }
            purged += self.purge_bucket(marked, before, limit - purged).await?;
        }
        Ok(purged)
    }

    /// The buckets with hints up to that day, oldest first.
    async fn marked_days(&self, before: Timestamp) -> Result<Vec<Marked>, StoreError> {
        let values = (DAY_INDEX_LANE, Day::of(before).to_cql());
        let mut days = Vec::new();
        let mut from = Some(PagingState::start());
        while let Some(state) = from {
            let page = self.cql.page(&self.cql.statements().orphan_days, &values, None, state).await?;
            let rows = page.rows.rows::<(CqlDate, i8, Option<i64>)>();
            for row in rows.map_err(|error| unreadable("orphan_days", error))? {
                let (day, bucket, written) = row.map_err(|error| unreadable("orphan_days", error))?;
                days.push(Marked { day: Day::from_cql(day), bucket, written: written.unwrap_or_default() });
            }
            from = page.next;
        }
        Ok(days)
    }

    async fn purge_bucket(&self, marked: Marked, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let mut purged = 0;
        let mut is_empty = true;
        let mut from = Some(PagingState::start());
        while let Some(state) = from {
            let values = (marked.day.to_cql(), marked.bucket);
            let Page { rows, next } = self.cql.page(&self.cql.statements().orphans, &values, None, state).await?;
            let (mut due, young): (Vec<Hint>, Vec<Hint>) =
                hints(&rows)?.into_iter().partition(|hint| hint.last_received < before);
            is_empty &= young.is_empty();
            while !due.is_empty() {
                if purged == limit {
                    return Ok(purged);
                }
                let now = due.split_off(due.len() - due.len().min(limit - purged));
                for met in self.purge_due(now, marked, before).await? {
                    purged += usize::from(met == Met::Purged);
                    is_empty &= met != Met::Young;
                }
            }
            from = next;
        }
        if is_empty && marked.day < Day::of(before) {
            let values = (marked.written, DAY_INDEX_LANE, marked.day.to_cql(), marked.bucket);
            self.cql.write(&self.cql.statements().unmark_orphan_day, &values).await?;
        }
        Ok(purged)
    }

    async fn purge_due(&self, hints: Vec<Hint>, marked: Marked, before: Timestamp) -> Result<Vec<Met>, StoreError> {
        let purge = |hint: Hint| {
            let store = self.clone();
            async move { store.purge_one(hint, marked, before).await }
        };
        stream::iter(hints).map(purge).buffer_unordered(self.cql.concurrency()).try_collect().await
    }

    /// Deletes the pointers to the run first, then the run's partition, then the hint, so that an interrupted purge is
    /// continued later. The run is deleted at its own position, so that later records stay.
    async fn purge_one(&self, hint: Hint, marked: Marked, before: Timestamp) -> Result<Met, StoreError> {
        let key = hint.key;
        let orphan = self.summary(key).await?.filter(|summary| summary.run.opening().is_none());
        let met = match orphan {
            Some(Summary { run, .. }) if run.last_received >= before && Day::of(run.last_received) <= marked.day => {
                return Ok(Met::Young);
            }
            Some(Summary { run, position }) if run.last_received < before => {
                let events = self.event_ids(key).await?;
                self.write_all(self.owner_deletions(key, &events, position)).await?;
                let values = (position, key.team.to_string(), key.run.to_string());
                self.cql.write(&self.cql.statements().delete_run, &values).await?;
                Met::Purged
            }
            Some(_) | None => Met::Outdated,
        };
        let (day, bucket) = (marked.day.to_cql(), marked.bucket);
        let values = (hint.position, day, bucket, key.team.to_string(), key.run.to_string());
        self.cql.write(&self.cql.statements().delete_orphan, &values).await?;
        Ok(met)
    }

    async fn event_ids(&self, key: RunKey) -> Result<Vec<EventId>, StoreError> {
        let values = (key.team.to_string(), key.run.to_string());
        let mut events = Vec::new();
        let mut from = Some(PagingState::start());
        while let Some(state) = from {
            let page = self.cql.page(&self.cql.statements().run_event_ids, &values, None, state).await?;
            for row in page.rows.rows::<(Option<&str>,)>().map_err(|error| unreadable("events", error))? {
                let (event,) = row.map_err(|error| unreadable("events", error))?;
                let event: Option<Result<EventId, _>> = event.map(str::parse);
                events.extend(event.transpose().map_err(|error| unreadable("events", error))?);
            }
            from = page.next;
        }
        Ok(events)
    }
}

/// The result of checking a hint.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Met {
    Purged,
    /// The run is gone, was opened, or has a hint on a later day.
    Outdated,
    /// The run still waits for its start.
    Young,
}

/// A row of `orphans`, with the write timestamp of the save that left it.
struct Hint {
    key: RunKey,
    position: i64,
    /// When the run was received as of the hint. The run may have a later receipt on another day.
    last_received: Timestamp,
}

fn hints(rows: &QueryRowsResult) -> Result<Vec<Hint>, StoreError> {
    let mut hints = Vec::new();
    for row in rows.rows::<(&str, &str, i64, CqlTimestamp)>().map_err(|error| unreadable("orphans", error))? {
        let (team, run, position, last_received) = row.map_err(|error| unreadable("orphans", error))?;
        let team: TeamId = team.parse().map_err(|error| unreadable("orphans", error))?;
        let run: RunId = run.parse().map_err(|error| unreadable("orphans", error))?;
        hints.push(Hint { key: RunKey { team, run }, position, last_received: instant(last_received) });
    }
    Ok(hints)
}
