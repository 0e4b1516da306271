//! AgentPing's records onto runs: what the [consumer](tidegate_consumer) loads, folds, notes and saves.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_agentping::feed::{self, Arrival};
use tidegate_agentping::{Body, Event, EventId, FeedRow, Outcome, Record, Run, RunKey, RunState};
use tidegate_agentping_ports::{EventRow, FeedEntry, Note, NotedAccounts, RunWanted, RunWrite, Runs, StoredRun};
use tidegate_consumer::{Apply, Entry, FoldStop, Group, RecordFate, StoreSeen};
use tidegate_kernel::{PartitionEpoch, Position, Timestamp};
use tidegate_ports::{Clock, Fate, StoreError};

type RunRecords = Group<RunKey, Record>;

/// Folds records of a run onto what is stored of it. Fates of records that were not simply stored become notes.
pub(crate) struct RunFold {
    pub runs: Arc<dyn Runs>,
    pub notes: Arc<dyn NotedAccounts>,
    /// Says which records are too old for the feed.
    pub clock: Arc<dyn Clock>,
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
        let feeding = Feeding { since: self.clock.now().plus_millis(-feed::KEPT_MS), recovers: again };
        let write = |(records, stored): (RunRecords, StoredRun)| {
            let (key, position) = (records.key, records.last);
            let comes_again = again || comes_again(&records, &stored, entries);
            let again = comes_again.then(|| event_ids(&records));
            let (run, new_events, feed) = fold_run(records.records, stored, entries, feeding);
            RunWrite { key, run, new_events, feed, position, again }
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

    async fn save(&self, changes: Arc<Vec<RunWrite>>, _seen: StoreSeen) -> Result<(), StoreError> {
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

/// Which rows of the feed are made.
#[derive(Clone, Copy)]
struct Feeding {
    /// Of records appended since then; older rows would end at once.
    since: Timestamp,
    /// Also of records that were folded before: the store may have lost their rows.
    recovers: bool,
}

fn fold_run(
    records: Vec<(usize, Record)>,
    stored: StoredRun,
    entries: &mut [Entry<RunKey>],
    feeding: Feeding,
) -> (Run, Vec<EventRow>, Vec<FeedEntry>) {
    let known_events = stored.events.into_iter().collect();
    let mut state = RunState { run: stored.run.unwrap_or_default(), known_events };
    let (mut new_events, mut feed) = (Vec::new(), Vec::new());
    for (place, record) in records {
        let entry = &mut entries[place];
        let received_at = record.received_at;
        let arrival = Arrival { appended_at: entry.appended_at, replayed: entry.origin.is_some() };
        let row = if entry.position.is_folded(stored.folded_to) {
            let lost = feeding.recovers.then(|| FeedRow::recover(&record, &state.run, arrival)).flatten();
            new_events.extend(lost_events(record, &mut state));
            lost
        } else {
            let (change, row) = feed::apply(&mut state, record, arrival);
            entry.fate = Some(match change.outcome {
                Outcome::Applied => Fate::Stored,
                Outcome::Duplicate => Fate::Duplicate,
                Outcome::Conflict => Fate::Conflict,
            });
            new_events.extend(change.new_events.into_iter().map(|event| EventRow { event, received_at }));
            row
        };
        let position = entry.position;
        let kept = row.filter(|_| arrival.appended_at >= feeding.since);
        feed.extend(kept.map(|row| FeedEntry { position, row }));
    }
    (state.run, new_events, feed)
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
