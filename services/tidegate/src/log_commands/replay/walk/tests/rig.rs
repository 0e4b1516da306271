//! A log, a store and dead letters in memory, with some runs on the log.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tempfile::TempDir;
use tidegate_agentping_inproc::runs::MemoryRuns;
use tidegate_inproc::clock::TestClock;
use tidegate_inproc::dead_letters::MemoryDeadLetters;
use tidegate_inproc::log::{MemoryLog, MemoryLogOptions};
use tidegate_kernel::{Ledger, Position};
use tidegate_lifecycle::Stopper;
use tidegate_ports::{Append, Consume, Consumed, DeadLetter, Origin, Polled, Provenance};
use tidegate_shedding::ShedThresholds;

use crate::log_commands::replay::plan::Plan;
use crate::log_commands::replay::ports::Ports;
use crate::log_commands::replay::progress_file::{Progress, ProgressFile};
use crate::log_commands::replay::samples::{NOW, events, finish, key, start};
use crate::log_commands::replay::selection::{Filters, Range, Selection};
use crate::log_commands::replay::state::Ended;
use crate::log_commands::replay::walk::{Pace, Walk};

pub const GROUP: &str = "persister";

pub struct Rig {
    pub log: MemoryLog,
    pub letters: MemoryDeadLetters,
    pub runs: MemoryRuns,
    pub ports: Ports,
    pub folder: TempDir,
}

impl Rig {
    pub fn new() -> Self {
        let clock = Arc::new(TestClock::at(NOW));
        let log = MemoryLog::new(MemoryLogOptions { partitions: 3, ..MemoryLogOptions::default() }, clock.clone());
        let (letters, runs) = (MemoryDeadLetters::default(), MemoryRuns::default());
        let ports = Ports {
            log: Arc::new(log.clone()),
            again: Arc::new(log.clone()),
            letters: Arc::new(letters.clone()),
            runs: Arc::new(runs.clone()),
            lag: Arc::new(log.lag(GROUP)),
            clock,
        };
        Rig { log, letters, runs, ports, folder: tempfile::tempdir().unwrap() }
    }

    pub async fn append(&self, run: u128, payload: &Bytes) -> Position {
        self.log.append(key(run).log_key(), payload.clone()).await.unwrap()
    }

    /// Three runs: started, two events each, finished. Agents a, b, a.
    pub async fn filled() -> Self {
        let rig = Rig::new();
        for (run, agent) in [(1, "a"), (2, "b"), (3, "a")] {
            rig.append(run, &start(run, agent)).await;
            rig.append(run, &events(run, [run * 10, run * 10 + 1])).await;
            rig.append(run, &finish(run)).await;
        }
        rig
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("progress.json")
    }

    pub fn file(&self, selection: &Selection) -> ProgressFile {
        ProgressFile::of(selection, Some(self.path()))
    }

    /// Replays, going on with what is there.
    pub async fn replay(&self, selection: &Selection) -> (Ended, Progress) {
        self.replay_by(selection, &self.ports, pace(100_000)).await
    }

    pub async fn replay_by(&self, selection: &Selection, ports: &Ports, pace: Pace) -> (Ended, Progress) {
        let file = self.file(selection);
        let progress = match file.load(selection).unwrap() {
            Some(progress) => progress,
            None => {
                let plan = Plan::make(selection, &self.log, &self.letters).await.unwrap();
                Progress::new(selection, plan, NOW)
            }
        };
        let (_stopper, stop) = Stopper::new();
        let walk = Walk::new(ports, selection, &file, progress, pace);
        let ended = walk.run(&stop).await.unwrap();
        if ended.0 == Ended::Whole {
            file.remove().unwrap();
        }
        ended
    }

    pub fn records(&self) -> Vec<Consumed> {
        (0..3).flat_map(|partition| self.log.records(partition)).collect()
    }

    /// Origin and payload of what was appended again, by partition and offset.
    pub fn again(&self) -> Vec<(Origin, Bytes)> {
        let origin = |one: &Consumed| one.provenance.as_ref().and_then(|beside| beside.origin);
        self.records().iter().filter_map(|one| Some((origin(one)?, one.payload.clone()))).collect()
    }
}

pub fn pace(rate: u32) -> Pace {
    Pace { rate, thresholds: ShedThresholds::default() }
}

pub fn everything(filters: Filters) -> Selection {
    let range = Range::Time { from: NOW.plus_millis(-1), to: None };
    Selection { log: "a log".to_owned(), range, filters }
}

pub fn dead_letters() -> Selection {
    Selection { range: Range::DeadLetters, ..everything(Filters::default()) }
}

pub fn letter(position: Position, payload: Bytes, origin: Option<Origin>) -> DeadLetter {
    DeadLetter {
        position,
        appended_at: NOW,
        dead_lettered_at: NOW,
        reason: "for the test".to_owned(),
        payload,
        provenance: Provenance { origin, ..Provenance::default() },
    }
}

/// Consumes and commits until nothing has come for a while.
pub async fn catch_up(rig: &Rig) {
    let (mut consumer, mut ledger) = (rig.log.consumer(GROUP), Ledger::default());
    loop {
        match consumer.poll(1 << 20, Duration::from_secs(60)).await.unwrap() {
            Polled::Assigned(assigned) => ledger.assign(assigned),
            Polled::Records(from, records) => {
                for record in &records {
                    ledger.read(from, record.position.offset);
                    ledger.done(from, record.position.offset);
                }
                for committable in ledger.take_committable() {
                    consumer.commit(committable).await.unwrap();
                }
            }
            Polled::Idle => return,
            other => panic!("{other:?}"),
        }
    }
}
