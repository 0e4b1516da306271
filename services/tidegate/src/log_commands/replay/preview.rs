//! The dry run: folds what would be appended, in memory, on what the store has. Nothing is written anywhere.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use serde::Serialize;
use tidegate_agentping::{Outcome, Record, RunKey, RunState};
use tidegate_agentping_ports::{RunWanted, Runs, StoredRun};
use tidegate_lifecycle::Stop;
use tidegate_ports::StoreError;
use tidegate_replay::{
    Chooser, ChunkReader, CountFates as _, Doing, Ended, Reason, ReplayError, ReplayPlan, ReplayPorts, ReplayState,
    Spent, patiently,
};
use tokio::sync::watch;

use super::choice::ByFilters;
use super::counts::Counts;
use crate::log_commands::kind::{ByKind, Kind};

/// Changed runs that are kept in memory; a run beyond them is folded on what the store has.
const CHANGED_MAX: usize = 100_000;
/// Missing rows that are remembered, so that none is counted twice; about 32 MB.
const ROWS_MAX: usize = 1_000_000;
const CHUNK_RECORDS: usize = 500;

/// What the chosen records would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
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

/// A dry run in progress.
pub struct Preview<'p> {
    ports: &'p ReplayPorts,
    runs: &'p dyn Runs,
    plan: ReplayPlan,
    chooser: Chooser<ByFilters>,
    state: Arc<watch::Sender<ReplayState>>,
    counts: Counts,
    folding: Folding,
}

/// The runs as the replay would leave them.
struct Folding {
    changed: HashMap<RunKey, RunState>,
    order: VecDeque<RunKey>,
    changed_max: usize,
    missing_rows: HashSet<u128>,
    would: Would,
}

impl<'p> Preview<'p> {
    pub fn new(ports: &'p ReplayPorts, runs: &'p dyn Runs, chooser: Chooser<ByFilters>, plan: ReplayPlan) -> Self {
        let state =
            ReplayState { done: 0, total: plan.total(), records: 0, doing: Doing::Going, spent: Spent::default() };
        Preview {
            ports,
            runs,
            plan,
            chooser,
            state: Arc::new(watch::Sender::new(state)),
            counts: Counts::default(),
            folding: Folding::new(CHANGED_MAX),
        }
    }

    /// The state, from now on.
    pub fn state(&self) -> watch::Receiver<ReplayState> {
        self.state.subscribe()
    }

    /// Looks at everything, unless it is stopped.
    ///
    /// # Errors
    /// What does not pass by waiting.
    pub async fn run(mut self, stop: &Stop) -> Result<(Ended, Counts, Would), ReplayError> {
        let mut reader = ChunkReader::new(self.ports, CHUNK_RECORDS);
        loop {
            if stop.is_stopping() {
                return Ok((Ended::Stopped, self.counts, self.folding.would));
            }
            let (plan, runs) = (&self.plan, self.runs);
            let read = patiently("reading the log", &self.state, stop, async || reader.next(plan).await);
            let Some(chunk) = read.await? else { continue };
            let Some(mut chunk) = chunk else { return Ok((Ended::Whole, self.counts, self.folding.would)) };
            let candidates = std::mem::take(&mut chunk.candidates);
            let chooser = &mut self.chooser;
            let asked = async || chooser.choose(&candidates).await;
            let Some(choices) = patiently("asking the store", &self.state, stop, asked).await? else { continue };
            self.counts.add(&choices.counts);
            self.counts.passed_over(Reason::Gone, chunk.gone);
            let mut records = Vec::with_capacity(choices.chosen.len());
            for candidate in choices.chosen {
                self.counts.appended(&candidate.record);
                match candidate.record.record {
                    Some(record) => records.push(record),
                    None => self.folding.would.not_decode += 1,
                }
            }
            let (folded, by_run) = (records.len() as u64, by_run(records));
            let wanted = wanted_of(&by_run);
            let loaded = async || load(&wanted, runs).await;
            let loaded = patiently("asking the store", &self.state, stop, loaded).await?;
            let Some((stored, missing_rows)) = loaded else { continue };
            self.folding.fold(by_run, stored);
            self.folding.count_rows(missing_rows);
            chunk.finish(&mut self.plan);
            let done = self.plan.done();
            self.state.send_modify(|state| {
                state.done = done;
                state.records += folded;
            });
        }
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

fn wanted_of(by_run: &[(RunKey, Vec<Record>)]) -> Vec<RunWanted> {
    let wanted = |(key, records): &(RunKey, Vec<Record>)| RunWanted {
        key: *key,
        events: records.iter().flat_map(|record| record.body.event_ids()).collect(),
    };
    by_run.iter().map(wanted).collect()
}

/// What is stored of the runs, and which rows that follow from it are missing.
async fn load(wanted: &[RunWanted], runs: &dyn Runs) -> Result<(Vec<StoredRun>, Vec<u128>), StoreError> {
    if wanted.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    Ok((runs.load(wanted).await?, runs.missing_rows(wanted).await?))
}

impl Folding {
    fn new(changed_max: usize) -> Self {
        let would = Would { exact: true, ..Would::default() };
        Folding { changed: HashMap::new(), order: VecDeque::new(), changed_max, missing_rows: HashSet::new(), would }
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
