//! One batch of a partition, as pure steps: decode, group by run, fold, tell each record's fate.

use std::collections::HashMap;

use tidegate_agentping::{Body, Event, EventId, Outcome, Record, Run, RunKey, RunState};
use tidegate_agentping_ports::{EventRow, Note, RunWanted, RunWrite, StoredRun};
use tidegate_kernel::{Position, Timestamp};
use tidegate_ports::{Account, Consumed, Fate};

use crate::brake::{Brake, Tripped};
use crate::fail_points;

/// A decoded batch: what can be applied, by run, and what never can.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    runs: Vec<RunRecords>,
    pub poison: Vec<(Consumed, String)>,
    /// Every record of the batch, in log order.
    entries: Vec<Entry>,
    /// The records themselves, each at its entry's place; `None` for poison.
    sources: Vec<Option<Consumed>>,
    /// What stopped decoding: the record at hand and all after it are none of this batch.
    pub tripped: Option<Tripped>,
}

#[derive(Debug)]
struct RunRecords {
    key: RunKey,
    /// Each with its place among the entries.
    records: Vec<(usize, Record)>,
    /// Whether a replay has appended one of them again.
    replayed: bool,
    last: Position,
}

/// What is known of one record.
#[derive(Clone, Copy, Debug)]
struct Entry {
    position: Position,
    appended_at: Timestamp,
    key: Option<RunKey>,
    /// `None`: it was folded before, and its fate was told then.
    fate: Option<Fate>,
}

impl Batch {
    /// Decodes records in log order, as far as the brake lets it, and groups them by run, keeping each run's order.
    pub fn decode(consumed: Vec<Consumed>, brake: &mut Brake) -> Self {
        let mut batch = Batch { entries: Vec::with_capacity(consumed.len()), ..Batch::default() };
        let mut places: HashMap<RunKey, usize> = HashMap::with_capacity(consumed.len());
        for one in consumed {
            let decoded = Record::decode(fail_points::as_read(&one.payload));
            if let Some(tripped) = brake.take(decoded.is_err()) {
                batch.tripped = Some(tripped);
                break;
            }
            let entry = Entry { position: one.position, appended_at: one.appended_at, key: None, fate: None };
            match decoded {
                Ok(record) => {
                    batch.entries.push(Entry { key: Some(record.key()), ..entry });
                    let replayed = one.provenance.as_ref().is_some_and(|provenance| provenance.origin.is_some());
                    batch.add(record, one.position, replayed, &mut places);
                    batch.sources.push(Some(one));
                }
                Err(error) => {
                    batch.entries.push(Entry { fate: Some(Fate::Dead), ..entry });
                    batch.poison.push((one, error.to_string()));
                    batch.sources.push(None);
                }
            }
        }
        batch
    }

    fn add(&mut self, record: Record, position: Position, replayed: bool, places: &mut HashMap<RunKey, usize>) {
        let key = record.key();
        let place = *places.entry(key).or_insert_with(|| {
            self.runs.push(RunRecords { key, records: Vec::with_capacity(1), replayed: false, last: position });
            self.runs.len() - 1
        });
        let run = &mut self.runs[place];
        run.records.push((self.entries.len() - 1, record));
        run.replayed |= replayed;
        run.last = position;
    }

    /// What must be loaded to fold this batch: one entry per run, in the order [`Batch::fold`] expects.
    pub fn wanted(&self) -> Vec<RunWanted> {
        self.runs.iter().map(|run| RunWanted { key: run.key, events: run.events() }).collect()
    }

    /// Folds every run's records onto what is stored of it, but for those that were folded before. Each touched run
    /// yields a write, also where nothing is new: a store that keeps listings beside runs mends them by it after a
    /// crash. `again`: the records are read again, so that what follows from them may be lost, whatever was written.
    pub fn fold(self, stored: Vec<StoredRun>, again: bool) -> Folded {
        let mut entries = self.entries;
        let mut writes = Vec::with_capacity(self.runs.len());
        for (records, stored) in self.runs.into_iter().zip(stored) {
            let (key, position) = (records.key, records.last);
            let comes_again = again || records.comes_again(&stored, &entries);
            let again = comes_again.then(|| records.events());
            let (run, new_events) = fold_run(records.records, stored, &mut entries);
            writes.push(RunWrite { key, run, new_events, position, again });
        }
        Folded { writes, entries, sources: self.sources }
    }
}

impl RunRecords {
    /// The ids of all events that the records bring.
    fn events(&self) -> Vec<EventId> {
        self.records.iter().flat_map(|(_, record)| record.body.event_ids()).collect()
    }

    /// Whether one of the records was appended again or folded before: then what follows from it may be missing.
    fn comes_again(&self, stored: &StoredRun, entries: &[Entry]) -> bool {
        let folded = |(place, _): &(usize, Record)| entries[*place].position.is_folded(stored.folded_to);
        self.replayed || self.records.iter().any(folded)
    }
}

/// The writes of a batch and how each of its records ended.
#[derive(Debug, Default)]
pub(crate) struct Folded {
    pub writes: Vec<RunWrite>,
    entries: Vec<Entry>,
    sources: Vec<Option<Consumed>>,
}

impl Folded {
    /// Records whose fate was told before and is not counted yet: the process that told it ended before it settled.
    pub fn untold(&self, account: &Account) -> Vec<Position> {
        let untold = self.entries.iter().filter(|entry| entry.fate.is_none() && is_new_to(account, entry));
        untold.map(|entry| entry.position).collect()
    }

    /// What is to be noted before the writes are saved.
    pub fn notes(&self, account: &Account) -> Vec<Note> {
        let note = |entry: &Entry| {
            let fate = entry.fate.filter(|fate| *fate != Fate::Stored && is_new_to(account, entry))?;
            Some(Note { position: entry.position, appended_at: entry.appended_at, key: entry.key, fate })
        };
        self.entries.iter().filter_map(note).collect()
    }

    /// The note of each record that was not simply stored, also of those that are counted.
    pub fn all_notes(&self) -> Vec<Note> {
        let note = |entry: &Entry| {
            let fate = entry.fate.filter(|fate| *fate != Fate::Stored)?;
            Some(Note { position: entry.position, appended_at: entry.appended_at, key: entry.key, fate })
        };
        self.entries.iter().filter_map(note).collect()
    }

    /// Counts every record in log order; `noted` are the notes of [`Folded::untold`]. What was folded and has none was
    /// stored.
    pub fn count(&self, account: &mut Account, noted: &[Option<Note>]) {
        let told: HashMap<Position, Fate> = noted.iter().flatten().map(|note| (note.position, note.fate)).collect();
        for entry in &self.entries {
            let fate = entry.fate.or_else(|| told.get(&entry.position).copied()).unwrap_or(Fate::Stored);
            account.count(entry.position.offset, fate);
        }
    }

    /// The records of these runs, each with its place in the batch.
    pub fn take_sources(&mut self, of: impl Fn(RunKey) -> bool) -> Vec<(usize, Consumed)> {
        let wanted = |place: &usize| self.entries[*place].key.is_some_and(&of);
        let places: Vec<usize> = (0..self.entries.len()).filter(wanted).collect();
        places.into_iter().filter_map(|place| Some((place, self.sources[place].take()?))).collect()
    }

    pub fn set_fate(&mut self, place: usize, fate: Fate) {
        self.entries[place].fate = Some(fate);
    }

    /// The key and the fate of a batch's only record.
    pub fn only(&self) -> (Option<RunKey>, Option<Fate>) {
        self.entries.first().map_or((None, None), |entry| (entry.key, entry.fate))
    }

    /// Every record's offset, in log order, and its fate if this batch told it.
    pub fn done(&self) -> impl Iterator<Item = (i64, Option<Fate>)> {
        self.entries.iter().map(|entry| (entry.position.offset, entry.fate))
    }
}

const fn is_new_to(account: &Account, entry: &Entry) -> bool {
    entry.position.offset >= account.next_offset
}

fn fold_run(records: Vec<(usize, Record)>, stored: StoredRun, entries: &mut [Entry]) -> (Run, Vec<EventRow>) {
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
