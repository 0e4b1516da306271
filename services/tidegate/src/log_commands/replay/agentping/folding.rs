//! Folds what would be appended, in memory, on what the store has.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use serde_json::json;
use tidegate_agentping::{Outcome, Record, RunKey, RunState};
use tidegate_agentping_ports::{RunWanted, Runs, StoredRun};
use tidegate_ports::StoreError;
use tidegate_replay::Candidate;

use super::readable::Readable;
use crate::log_commands::kind::{ByKind, Kind};
use crate::log_commands::replay::counts::CountKinds as _;
use crate::log_commands::replay::product::{Foresee, Foreseen};

/// Changed runs that are kept in memory; a run beyond them is folded on what the store has.
const CHANGED_MAX: usize = 100_000;
/// Missing rows that are remembered, so that none is counted twice; about 32 MB.
const ROWS_MAX: usize = 1_000_000;

/// What the chosen records would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Would {
    pub add: ByKind,
    pub change_nothing: ByKind,
    pub conflict: ByKind,
    /// Chosen all the same, because their places were named.
    pub not_decode: u64,
    /// So many different runs would be changed.
    pub runs_changed: u64,
    /// Rows of listings and indexes that the store lacks of runs it has, and that would be written.
    pub add_rows: u64,
    /// Whether every record was folded on everything chosen before it, and no row was counted twice.
    pub exact: bool,
}

/// The runs as the replay would leave them.
pub struct Folding {
    stored: Arc<dyn Runs>,
    changed: HashMap<RunKey, RunState>,
    order: VecDeque<RunKey>,
    changed_max: usize,
    missing_rows: HashSet<u128>,
    pub(super) would: Would,
}

impl Foresee<Readable> for Folding {
    type Loaded = (Vec<StoredRun>, Vec<u128>);

    async fn load(&self, chosen: &[Candidate<Readable>]) -> Result<Self::Loaded, StoreError> {
        let wanted = wanted_of(chosen);
        if wanted.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        Ok((self.stored.load(&wanted).await?, self.stored.missing_rows(&wanted).await?))
    }

    fn take(&mut self, chosen: Vec<Candidate<Readable>>, (stored, missing_rows): Self::Loaded) {
        let (all, mut records) = (chosen.len(), Vec::with_capacity(chosen.len()));
        records.extend(chosen.into_iter().filter_map(|candidate| candidate.record.record));
        self.would.not_decode += (all - records.len()) as u64;
        self.fold(by_run(records), stored);
        self.count_rows(missing_rows);
    }

    fn foreseen(&self, passed_over: u64) -> Foreseen {
        let Would { add, change_nothing, conflict, not_decode, runs_changed, add_rows, exact } = &self.would;
        let cannot_be_decoded = not_decode + passed_over;
        let json = json!({
            "would_add": add.as_json(),
            "would_change_nothing": change_nothing.as_json(),
            "would_conflict": conflict.as_json(),
            "cannot_be_decoded": cannot_be_decoded,
            "runs_changed": runs_changed,
            "would_add_rows": add_rows,
            "exact": exact,
        });
        let mut lines = vec![
            format!("would add something      {add}, in {runs_changed} runs"),
            format!("would change nothing     {change_nothing}"),
            format!("would conflict and lose  {conflict}"),
            format!("would add rows           {add_rows}, of listings and indexes that stored runs lack"),
            format!("cannot be decoded        {cannot_be_decoded}"),
        ];
        if !exact {
            lines.push("(so much would change that repeats among it may count as adding something)".to_owned());
        }
        Foreseen { json, lines }
    }
}

/// Groups records by run, keeping each run's order.
fn by_run(records: Vec<Record>) -> Vec<(RunKey, Vec<Record>)> {
    let mut places: HashMap<RunKey, usize> = HashMap::new();
    let mut runs: Vec<(RunKey, Vec<Record>)> = Vec::new();
    for record in records {
        let place = *places.entry(record.key()).or_insert(runs.len());
        if place == runs.len() {
            runs.push((record.key(), Vec::new()));
        }
        runs[place].1.push(record);
    }
    runs
}

/// The runs of these records, in the order of [`by_run`].
fn wanted_of(chosen: &[Candidate<Readable>]) -> Vec<RunWanted> {
    let mut places: HashMap<RunKey, usize> = HashMap::new();
    let mut wanted: Vec<RunWanted> = Vec::new();
    for record in chosen.iter().filter_map(|candidate| candidate.record.record.as_ref()) {
        let place = *places.entry(record.key()).or_insert(wanted.len());
        if place == wanted.len() {
            wanted.push(RunWanted { key: record.key(), events: Vec::new() });
        }
        wanted[place].events.extend(record.body.event_ids());
    }
    wanted
}

impl Folding {
    /// `runs` is only read.
    pub fn new(runs: Arc<dyn Runs>) -> Self {
        Folding {
            stored: runs,
            changed: HashMap::new(),
            order: VecDeque::new(),
            changed_max: CHANGED_MAX,
            missing_rows: HashSet::new(),
            would: Would { exact: true, ..Would::default() },
        }
    }

    fn count_rows(&mut self, missing: Vec<u128>) {
        for row in missing {
            self.would.add_rows += u64::from(self.missing_rows.insert(row));
        }
        if self.missing_rows.len() > ROWS_MAX {
            self.missing_rows.clear();
            self.would.exact = false;
        }
    }

    /// Folds some records on what is stored of their runs, and on what was folded before.
    fn fold(&mut self, by_run: Vec<(RunKey, Vec<Record>)>, stored: Vec<StoredRun>) {
        for ((key, records), stored) in by_run.into_iter().zip(stored) {
            let before = self.changed.remove(&key);
            let was_changed = before.is_some();
            let mut state =
                before.unwrap_or_else(|| RunState { run: stored.run.unwrap_or_default(), ..RunState::default() });
            for (id, hash) in stored.events {
                state.known_events.entry(id).or_insert(hash);
            }
            let mut adds = false;
            for record in records {
                let kind = Some(Kind::of(&record.body));
                match state.apply(record).outcome {
                    Outcome::Applied => {
                        adds = true;
                        self.would.add.count(kind);
                    }
                    Outcome::Duplicate => self.would.change_nothing.count(kind),
                    Outcome::Conflict => self.would.conflict.count(kind),
                }
            }
            if adds && !was_changed {
                self.would.runs_changed += 1;
                self.order.push_back(key);
            }
            if adds || was_changed {
                self.changed.insert(key, state);
            }
        }
        while self.order.len() > self.changed_max {
            if let Some(oldest) = self.order.pop_front() {
                self.changed.remove(&oldest);
                self.would.exact = false;
            }
        }
    }
}

#[cfg(test)]
mod tests;
