//! Reads runs by key.

use futures_util::{StreamExt, TryStreamExt, stream};
use scylla::response::PagingState;
use scylla::value::CqlTimestamp;
use tidegate_agentping::{Event, EventId, Run, RunKey};
use tidegate_agentping_ports::{EventRow, RunWanted, StoredRun};
use tidegate_ports::{FailureCause, StoreError};

use super::ScyllaStore;
use super::layout::instant;
use crate::failure::unreadable;

/// ScyllaDB's limit of keys in one read.
pub(super) const EVENTS_PER_READ: usize = 100;
/// How many times a run that changes between two reads is read again.
const TRIES: u32 = 10;

/// A run's summary and the write timestamp of its last record.
pub(super) struct Summary {
    pub position: i64,
    pub run: Run,
}

impl ScyllaStore {
    pub(super) async fn load_all(&self, wanted: Vec<RunWanted>) -> Result<Vec<StoredRun>, StoreError> {
        let load = |wanted: RunWanted| {
            let store = self.clone();
            async move {
                let (stored, position) = store.load_with_position(&wanted).await?;
                store.loaded.put(wanted.key, position);
                Ok(stored)
            }
        };
        stream::iter(wanted).map(load).buffered(self.cql.concurrency()).try_collect().await
    }

    pub(super) async fn load_one(&self, wanted: &RunWanted) -> Result<StoredRun, StoreError> {
        Ok(self.load_with_position(wanted).await?.0)
    }

    async fn load_with_position(&self, wanted: &RunWanted) -> Result<(StoredRun, Option<i64>), StoreError> {
        for _ in 0..TRIES {
            let Some(summary) = self.summary(wanted.key).await? else {
                return Ok((StoredRun::default(), None));
            };
            // The summary first: an event that is missing afterwards was missing then.
            if let Some(events) = self.event_hashes(wanted, summary.position).await? {
                let position = Some(summary.position);
                return Ok((StoredRun { run: Some(summary.run), events, folded_to: position }, position));
            }
        }
        Err(StoreError::Unavailable(FailureCause::overloaded(format!(
            "run {} changed {TRIES} times while it was read",
            wanted.key.run
        ))))
    }

    /// The run's summary; `None` if nothing is stored of the run.
    pub(super) async fn summary(&self, key: RunKey) -> Result<Option<Summary>, StoreError> {
        let key = (key.team.to_string(), key.run.to_string());
        let found = self.cql.run(&self.cql.statements().run_summary, &key).await?;
        let row = found.rows.maybe_first_row::<(Option<i64>, Option<&str>)>();
        let Some((Some(position), Some(summary))) = row.map_err(|error| unreadable("a run's summary", error))? else {
            return Ok(None);
        };
        let run = serde_json::from_str(summary);
        let run = run.map_err(|error| unreadable(&format!("the summary of run {}", key.1), error))?;
        Ok(Some(Summary { position, run }))
    }

    /// The wanted events that are stored, in the order asked; `None` if the run is not at `position` any more.
    async fn event_hashes(&self, wanted: &RunWanted, position: i64) -> Result<Option<Vec<(EventId, u64)>>, StoreError> {
        let mut hashes = Vec::with_capacity(wanted.events.len());
        for events in wanted.events.chunks(EVENTS_PER_READ) {
            let names: Vec<String> = events.iter().map(EventId::to_string).collect();
            let values = (wanted.key.team.to_string(), wanted.key.run.to_string(), names);
            let statement = &self.cql.statements().run_event_hashes;
            let found = self.cql.page(statement, &values, None, PagingState::start()).await?;
            let rows = found.rows.rows::<(&str, Option<i64>, Option<i64>, Option<i64>)>();
            let rows = rows.map_err(|error| unreadable("events", error))?;
            let mut stored = Vec::with_capacity(events.len());
            for row in rows {
                let (event, hash, written, now_at) = row.map_err(|error| unreadable("events", error))?;
                if now_at != Some(position) {
                    return Ok(None);
                }
                // An event above the summary's position belongs to a save that did not reach its summary.
                if let (Some(hash), true) = (hash, written.is_some_and(|written| written <= position)) {
                    stored.push((event.parse::<EventId>().map_err(|error| unreadable("events", error))?, hash));
                }
            }
            let of = |id: &EventId| stored.iter().find(|(stored, _)| stored == id).copied();
            hashes.extend(events.iter().filter_map(of).map(|(id, hash)| (id, hash.cast_unsigned())));
        }
        Ok(Some(hashes))
    }

    /// The stored ones of these events of the run, at most [`EVENTS_PER_READ`].
    pub(super) async fn stored_events(&self, key: RunKey, events: &[EventId]) -> Result<Vec<EventRow>, StoreError> {
        let names: Vec<String> = events.iter().map(EventId::to_string).collect();
        let values = (key.team.to_string(), key.run.to_string(), names);
        let statement = &self.cql.statements().run_events_named;
        let found = self.cql.page(statement, &values, None, PagingState::start()).await?;
        let mut stored = Vec::with_capacity(events.len());
        let rows = found.rows.rows::<(Option<CqlTimestamp>, Option<&str>)>();
        for row in rows.map_err(|error| unreadable("events", error))? {
            // A missing event may return a row with only the summary's static columns.
            let (Some(received_at), Some(body)) = row.map_err(|error| unreadable("events", error))? else { continue };
            let event: Event = serde_json::from_str(body).map_err(|error| unreadable("an event", error))?;
            stored.push(EventRow { event, received_at: instant(received_at) });
        }
        Ok(stored)
    }
}
