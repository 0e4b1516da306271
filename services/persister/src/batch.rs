//! One batch of a partition, as pure steps: decode, group by run, fold.

use std::collections::HashMap;

use tidegate_domain::{Body, EventId, Outcome, Position, Record, Run, RunKey, RunState};
use tidegate_ports::{Consumed, EventRow, RunWanted, RunWrite, StoredRun};

use crate::fail_points;

/// A decoded batch: what can be applied, by run, and what never can.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    runs: Vec<RunRecords>,
    pub poison: Vec<(Consumed, String)>,
}

#[derive(Debug)]
struct RunRecords {
    key: RunKey,
    records: Vec<Record>,
    last: Position,
}

impl Batch {
    /// Decodes records in log order and groups them by run, keeping each run's order.
    pub fn decode(consumed: Vec<Consumed>) -> Self {
        let mut batch = Batch::default();
        let mut places: HashMap<RunKey, usize> = HashMap::with_capacity(consumed.len());
        for one in consumed {
            let record = match Record::decode(fail_points::as_read(&one.payload)) {
                Ok(record) => record,
                Err(error) => {
                    batch.poison.push((one, error.to_string()));
                    continue;
                }
            };
            let key = record.key();
            let place = *places.entry(key).or_insert_with(|| {
                batch.runs.push(RunRecords { key, records: Vec::with_capacity(1), last: one.position });
                batch.runs.len() - 1
            });
            let run = &mut batch.runs[place];
            run.records.push(record);
            run.last = one.position;
        }
        batch
    }

    /// What must be loaded to fold this batch: one entry per run, in the order [`Batch::fold`] expects.
    pub fn wanted(&self) -> Vec<RunWanted> {
        let events_of = |record: &Record| match &record.body {
            Body::Events(events) => events.iter().map(|event| event.id).collect(),
            Body::Start(_) | Body::Finish(_) | Body::Heartbeat(_) => Vec::new(),
        };
        let wanted = |run: &RunRecords| {
            let events: Vec<EventId> = run.records.iter().flat_map(events_of).collect();
            RunWanted { key: run.key, events }
        };
        self.runs.iter().map(wanted).collect()
    }

    /// Folds every run's records onto what is stored of it. Each touched run yields a write, also where nothing is
    /// new: a store that keeps listings beside runs mends them by it after a crash.
    pub fn fold(self, stored: Vec<StoredRun>) -> Folded {
        let mut folded = Folded { writes: Vec::with_capacity(self.runs.len()), outcomes: Vec::new() };
        for (records, stored) in self.runs.into_iter().zip(stored) {
            let (run, new_events) = fold_run(records.records, stored, &mut folded.outcomes);
            folded.writes.push(RunWrite { key: records.key, run, new_events, position: records.last });
        }
        folded
    }
}

/// The writes of a batch and how each of its records ended.
#[derive(Debug, Default)]
pub(crate) struct Folded {
    pub writes: Vec<RunWrite>,
    pub outcomes: Vec<Outcome>,
}

fn fold_run(records: Vec<Record>, stored: StoredRun, outcomes: &mut Vec<Outcome>) -> (Run, Vec<EventRow>) {
    let known_events = stored.events.into_iter().collect();
    let mut state = RunState { run: stored.run.unwrap_or_default(), known_events };
    let mut new_events = Vec::new();
    for record in records {
        let received_at = record.received_at;
        let change = state.apply(record);
        outcomes.push(change.outcome);
        new_events.extend(change.new_events.into_iter().map(|event| EventRow { event, received_at }));
    }
    (state.run, new_events)
}
