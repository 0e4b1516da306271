//! Saving runs.
//!
//! A write is one batch in the run's partition, summary and new events together, at the write timestamp of its
//! position. The rows derived from new events are written before it, since a redelivery finds those events stored and
//! would not write the rows again. The rows derived from the summary are written concurrently, by every save. Rows of
//! the feed come before all of it, those of all runs together.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream, try_join};
use tidegate_agentping::{Run, RunKey};
use tidegate_agentping_ports::{EventRow, RunWrite};
use tidegate_ports::StoreError;

use super::ScyllaStore;
use super::follow_ups::Which;
use super::layout::cql_instant;
use super::load::EVENTS_PER_READ;
use crate::batch::PartitionBatch;
use crate::failure::unreadable;

/// Bytes of a batch at most, far below a server's limit of a mutation (half a commit log segment, 16 MiB by default).
const BATCH_BYTES: usize = 8 << 20;
/// The protocol counts a batch's statements in 16 bits.
const BATCH_EVENTS: usize = 30_000;
/// Approximate bytes of an event's row without its body.
const EVENT_OVERHEAD_BYTES: usize = 256;
/// Requests in progress at once for one run.
const SIDE_BY_SIDE: usize = 16;

impl ScyllaStore {
    pub(super) async fn save_all(&self, writes: Arc<Vec<RunWrite>>) -> Result<(), StoreError> {
        self.save_feed(&writes).await?;
        let save = |indices: Vec<usize>| {
            let (store, writes) = (self.clone(), Arc::clone(&writes));
            async move {
                for index in indices {
                    let saved = store.save_one(&writes[index]).await;
                    if matches!(saved, Err(StoreError::Refused(_))) {
                        store.refused.add(writes[index].key);
                    }
                    saved?;
                }
                Ok(())
            }
        };
        stream::iter(by_run(&writes)).map(save).buffer_unordered(self.cql.concurrency()).try_collect().await
    }

    async fn save_one(&self, write: &RunWrite) -> Result<(), StoreError> {
        let position = write.position.write_timestamp();
        let stored = match self.loaded.take(write.key) {
            Some(loaded) => loaded,
            None => self.position_of(write.key).await?,
        };
        match stored {
            // A former owner's late write.
            Some(stored) if stored > position && write.again.is_none() => Ok(()),
            // A redelivery. The run is stored, but its derived rows and some of its events may not be.
            Some(stored) if stored >= position => self.save_redelivered(write).await,
            Some(_) | None => {
                self.save_of_events(write).await?;
                #[cfg(feature = "fail-points")]
                fail::fail_point!("scylla::between_rows_and_run", |_| std::process::abort());
                let which = Which::of(write.again.is_some());
                let follow_ups = self.save_follow_ups(write.key, &write.run, position, which);
                try_join!(self.save_run(write, Some(&write.run)), follow_ups)?;
                self.mark_orphan(write.key, &write.run, position).await
            }
        }
    }

    /// Writes the derived rows that may be missing for a run that is already stored.
    async fn save_redelivered(&self, write: &RunWrite) -> Result<(), StoreError> {
        self.save_of_events(write).await?;
        self.save_run(write, None).await?;
        let Some(summary) = self.summary(write.key).await? else { return Ok(()) };
        let which = Which::of(write.again.is_some());
        self.save_follow_ups(write.key, &summary.run, summary.position, which).await?;
        self.mark_orphan(write.key, &summary.run, summary.position).await
    }

    /// The rows derived from a write's new events, and from those that were delivered again.
    async fn save_of_events(&self, write: &RunWrite) -> Result<(), StoreError> {
        let (key, at) = (write.key, write.position.write_timestamp());
        let which = Which::of(write.again.is_some());
        self.write_all(self.owner_batches(key, write.new_events.iter().map(|row| row.event.id), at)).await?;
        self.save_unpriced(key, &write.new_events, at, which).await?;
        for events in write.again.iter().flat_map(|events| events.chunks(EVENTS_PER_READ)) {
            let stored = self.stored_events(key, events).await?;
            self.write_all(self.owner_batches(key, stored.iter().map(|row| row.event.id), at)).await?;
            self.save_unpriced(key, &stored, at, which).await?;
        }
        Ok(())
    }

    pub(super) async fn position_of(&self, key: RunKey) -> Result<Option<i64>, StoreError> {
        let values = (key.team.to_string(), key.run.to_string());
        let found = self.cql.run(&self.cql.statements().run_position, &values).await?;
        let row = found.rows.maybe_first_row::<(Option<i64>,)>();
        Ok(row.map_err(|error| unreadable("a run's position", error))?.and_then(|(position,)| position))
    }

    /// The new events and, if given, the summary.
    async fn save_run(&self, write: &RunWrite, summary: Option<&Run>) -> Result<(), StoreError> {
        let mut batches = vec![PartitionBatch::new("save_run")];
        let (mut bytes, mut events) = (0, 0);
        for row in &write.new_events {
            let event = json(&row.event)?;
            bytes += event.len() + EVENT_OVERHEAD_BYTES;
            events += 1;
            if bytes > BATCH_BYTES || events > BATCH_EVENTS {
                batches.push(PartitionBatch::new("save_run"));
                (bytes, events) = (0, 0);
            }
            if let Some(batch) = batches.last_mut() {
                self.add_event(batch, write, row, event);
            }
        }
        // The summary last: all events that it counts are then stored, and events of a failed save are not counted.
        if let (Some(batch), Some(run)) = (batches.last_mut(), summary) {
            self.add_summary(batch, write.key, run, write.position.write_timestamp())?;
        }
        for batch in &batches {
            self.cql.write_batch(batch).await?;
        }
        Ok(())
    }

    fn add_event(&self, batch: &mut PartitionBatch, write: &RunWrite, row: &EventRow, body: String) {
        let values = (
            write.key.team.to_string(),
            write.key.run.to_string(),
            row.event.id.to_string(),
            row.event.content_hash.cast_signed(),
            cql_instant(row.received_at),
            body,
            write.position.write_timestamp(),
        );
        batch.add(&self.cql.statements().save_event, values);
    }

    fn add_summary(&self, batch: &mut PartitionBatch, key: RunKey, run: &Run, at: i64) -> Result<(), StoreError> {
        let values = (at, at, json(run)?, key.team.to_string(), key.run.to_string());
        batch.add(&self.cql.statements().save_summary, values);
        Ok(())
    }

    /// Writes batches of different partitions, in any order.
    pub(super) async fn write_all(&self, batches: Vec<PartitionBatch>) -> Result<(), StoreError> {
        self.cql.write_batches(batches, SIDE_BY_SIDE).await
    }
}

/// Indices of the writes, grouped by run and in order.
fn by_run(writes: &[RunWrite]) -> Vec<Vec<usize>> {
    let mut indices: std::collections::HashMap<RunKey, usize> = std::collections::HashMap::with_capacity(writes.len());
    let mut runs: Vec<Vec<usize>> = Vec::with_capacity(writes.len());
    for (index, write) in writes.iter().enumerate() {
        let run = *indices.entry(write.key).or_insert_with(|| {
            runs.push(Vec::with_capacity(1));
            runs.len() - 1
        });
        runs[run].push(index);
    }
    runs
}

/// Runs and events hold strings, numbers and JSON that was parsed before: they always serialize.
pub(super) fn json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| unreadable("what is to be saved", error))
}
