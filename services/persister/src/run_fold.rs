//! AgentPing's records onto runs: what the [consumer](tidegate_consumer) loads, folds, notes and saves.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_agentping::{Body, Event, EventId, Outcome, Record, Run, RunKey, RunState};
use tidegate_agentping_ports::{EventRow, Note, NotedAccounts, RunWanted, RunWrite, Runs, StoredRun};
use tidegate_consumer::{Apply, Entry, FoldStop, Group, RecordFate};
use tidegate_kernel::{PartitionEpoch, Position};
use tidegate_ports::{Fate, StoreError};

type RunRecords = Group<RunKey, Record>;

/// Folds records of a run onto what is stored of it. Fates of records that were not simply stored become notes.
pub(crate) struct RunFold {
    pub runs: Arc<dyn Runs>,
    pub notes: Arc<dyn NotedAccounts>,
}

#[async_trait]
impl Apply for RunFold {
    type Key = RunKey;
    type Record = Record;
    type Assignment = ();
    type Loaded = Vec<StoredRun>;
    type Change = RunWrite;

    fn assigned(&self, _of: PartitionEpoch) {}

    fn decode(&self, payload: &[u8]) -> Result<Record, String> {
        Record::decode(payload).map_err(|error| error.to_string())
    }

    fn key(record: &Record) -> RunKey {
        record.key()
    }

    async fn load(
        &self,
        (): &(),
        groups: &[RunRecords],
        _entries: &[Entry<RunKey>],
    ) -> Result<Vec<StoredRun>, StoreError> {
        let wanted: Vec<RunWanted> =
            groups.iter().map(|run| RunWanted { key: run.key, events: event_ids(run) }).collect();
        self.runs.load(&wanted).await
    }

    /// Each touched run yields a write, even one that changes nothing, so that the store repairs its listings after a
    /// crash.
    fn fold(
        &self,
        groups: Vec<RunRecords>,
        loaded: Vec<StoredRun>,
        entries: &mut [Entry<RunKey>],
        again: bool,
    ) -> Result<Vec<RunWrite>, FoldStop> {
        let write = |(records, stored): (RunRecords, StoredRun)| {
            let (key, position) = (records.key, records.last);
            let comes_again = again || comes_again(&records, &stored, entries);
            let again = comes_again.then(|| event_ids(&records));
            let (run, new_events) = fold_run(records.records, stored, entries);
            RunWrite { key, run, new_events, position, again }
        };
        Ok(groups.into_iter().zip(loaded).map(write).collect())
    }

    fn key_of(change: &RunWrite) -> RunKey {
        change.key
    }

    async fn recorded_fates(&self, positions: &[Position]) -> Result<Vec<Option<Fate>>, StoreError> {
        let notes = self.notes.notes(positions).await?;
        Ok(notes.into_iter().map(|note| Some(note?.fate)).collect())
    }

    async fn record_fates(&self, fates: &[RecordFate<RunKey>]) -> Result<(), StoreError> {
        let note = |one: &RecordFate<RunKey>| {
            let RecordFate { position, appended_at, key, fate } = *one;
            Note { position, appended_at, key, fate }
        };
        self.notes.note(Arc::new(fates.iter().map(note).collect())).await
    }

    async fn save(&self, changes: Arc<Vec<RunWrite>>) -> Result<(), StoreError> {
        self.runs.save(changes).await
    }

    async fn starts(&self) -> Result<u64, StoreError> {
        self.runs.starts().await
    }
}

/// The ids of all events that the records bring.
fn event_ids(run: &RunRecords) -> Vec<EventId> {
    run.records.iter().flat_map(|(_, record)| record.body.event_ids()).collect()
}

/// Whether one of the records was appended again or folded before: then what follows from it may be missing.
fn comes_again(run: &RunRecords, stored: &StoredRun, entries: &[Entry<RunKey>]) -> bool {
    let folded = |(place, _): &(usize, Record)| entries[*place].position.is_folded(stored.folded_to);
    run.replayed || run.records.iter().any(folded)
}

fn fold_run(records: Vec<(usize, Record)>, stored: StoredRun, entries: &mut [Entry<RunKey>]) -> (Run, Vec<EventRow>) {
    let known_events = stored.events.into_iter().collect();
    let mut state = RunState { run: stored.run.unwrap_or_default(), known_events };
    let mut new_events = Vec::new();
    for (place, record) in records {
        let entry = &mut entries[place];
        let received_at = record.received_at;
        if entry.position.is_folded(stored.folded_to) {
            new_events.extend(lost_events(record, &mut state));
            continue;
        }
        let change = state.apply(record);
        entry.fate = Some(match change.outcome {
            Outcome::Applied => Fate::Stored,
            Outcome::Duplicate => Fate::Duplicate,
            Outcome::Conflict => Fate::Conflict,
        });
        new_events.extend(change.new_events.into_iter().map(|event| EventRow { event, received_at }));
    }
    (state.run, new_events)
}

/// Events of a record that was folded before, which the store has lost since: the run's summary counts them.
fn lost_events(record: Record, state: &mut RunState) -> Vec<EventRow> {
    let received_at = record.received_at;
    let Body::Events(events) = record.body else { return Vec::new() };
    let mut is_lost = |event: &Event| {
        let is_lost = !state.known_events.contains_key(&event.id);
        state.known_events.entry(event.id).or_insert(event.content_hash);
        is_lost
    };
    events.into_iter().filter(|event| is_lost(event)).map(|event| EventRow { event, received_at }).collect()
}
