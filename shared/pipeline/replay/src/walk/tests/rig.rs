//! A log and dead letters in memory, with the records of three keys on the log.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tempfile::TempDir;
use tidegate_inproc::clock::TestClock;
use tidegate_inproc::dead_letters::MemoryDeadLetters;
use tidegate_inproc::log::{MemoryLog, MemoryLogOptions};
use tidegate_kernel::{Ledger, Position};
use tidegate_lifecycle::Stopper;
use tidegate_ports::{Append, Consume, Consumed, DeadLetter, Origin, Polled, Provenance};
use tidegate_shedding::ShedThresholds;

use crate::chooser::Chooser;
use crate::plan::ReplayPlan;
use crate::ports::ReplayPorts;
use crate::progress_file::{Progress, ProgressFile};
use crate::samples::{ByWord, Fates, NOW, OfWord, key, payload};
use crate::selection::{Selection, SelectionRange};
use crate::state::Ended;
use crate::walk::{ReplayPace, Walk};

pub const GROUP: &str = "group";

pub struct Rig {
    pub log: MemoryLog,
    pub dead_letters: MemoryDeadLetters,
    pub ports: ReplayPorts,
    pub folder: TempDir,
}

impl Rig {
    pub fn new() -> Self {
        let clock = Arc::new(TestClock::at(NOW));
        let log = MemoryLog::new(MemoryLogOptions { partitions: 3, ..MemoryLogOptions::default() }, clock.clone());
        let dead_letters = MemoryDeadLetters::default();
        let ports = ReplayPorts {
            log: Arc::new(log.clone()),
            again: Arc::new(log.clone()),
            dead_letters: Arc::new(dead_letters.clone()),
            lag: Arc::new(log.lag(GROUP)),
            clock,
        };
        Rig { log, dead_letters, ports, folder: tempfile::tempdir().unwrap() }
    }

    pub async fn append(&self, text: &'static str) -> Position {
        let (of, _) = text.split_once(' ').unwrap();
        self.log.append(key(of), payload(text)).await.unwrap()
    }

    /// Three records of each of three keys. Their words are a, b, a.
    pub async fn filled() -> Self {
        let rig = Rig::new();
        for text in ["1 a", "1 ?", "1 ?", "2 b", "2 ?", "2 ?", "3 a", "3 ?", "3 ?"] {
            rig.append(text).await;
        }
        rig
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("progress.json")
    }

    pub fn file(&self, selection: &Selection<OfWord>) -> ProgressFile {
        ProgressFile::of(selection, Some(self.path()))
    }

    /// Replays, going on with what is there.
    pub async fn replay(&self, selection: &Selection<OfWord>) -> (Ended, Progress<Fates>) {
        self.replay_by(selection, &self.ports, pace(100_000)).await
    }

    pub async fn replay_by(
        &self,
        selection: &Selection<OfWord>,
        ports: &ReplayPorts,
        pace: ReplayPace,
    ) -> (Ended, Progress<Fates>) {
        let file = self.file(selection);
        let progress = match file.load(selection).unwrap() {
            Some(progress) => progress,
            None => {
                let plan = ReplayPlan::make(selection, &self.log, &self.dead_letters).await.unwrap();
                Progress::new(selection, plan, NOW)
            }
        };
        let (_stopper, stop) = Stopper::new();
        let walk = Walk::new(ports, chooser(selection), &file, progress, pace);
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
        let origin = |one: &Consumed| one.provenance.as_ref().and_then(|provenance| provenance.origin);
        self.records().iter().filter_map(|one| Some((origin(one)?, one.payload.clone()))).collect()
    }
}

pub fn pace(rate: u32) -> ReplayPace {
    ReplayPace { rate, thresholds: ShedThresholds::default() }
}

pub fn chooser(selection: &Selection<OfWord>) -> Chooser<ByWord> {
    Chooser::new(selection, ByWord::new(selection.filters))
}

pub fn everything(filters: OfWord) -> Selection<OfWord> {
    let range = SelectionRange::Time { from: NOW.plus_millis(-1), to: None };
    Selection { log: "a log".to_owned(), range, filters }
}

pub fn dead_letters() -> Selection<OfWord> {
    Selection { range: SelectionRange::DeadLetters, ..everything(OfWord::default()) }
}

pub fn dead_letter(position: Position, text: &'static str, origin: Option<Origin>) -> DeadLetter {
    DeadLetter {
        position,
        appended_at: NOW,
        dead_lettered_at: NOW,
        reason: "for the test".to_owned(),
        payload: payload(text),
        provenance: Provenance { origin, ..Provenance::default() },
    }
}

/// Consumes and commits until nothing comes for a minute of the test's clock.
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
