//! The dry run on ports in memory: what it says is what a replay then does.

use std::sync::Arc;

use tidegate_agentping_inproc::runs::MemoryRuns;
use tidegate_agentping_ports::{EventRow, RunWrite};
use tidegate_inproc::clock::TestClock;
use tidegate_inproc::dead_letters::MemoryDeadLetters;
use tidegate_inproc::log::{MemoryLog, MemoryLogOptions};
use tidegate_kernel::Timestamp;
use tidegate_lifecycle::Stopper;
use tidegate_ports::Append;
use tidegate_replay::{Chooser, Ended, ReplayPlan, ReplayPorts, Selection, SelectionRange};

use super::super::samples::{NOW, events, finish, key, newer, place, start, unreadable};
use super::*;
use crate::log_commands::replay::agentping::choice::ByFilters;
use crate::log_commands::replay::agentping::filters::Filters;
use crate::log_commands::replay::counts::Counts;
use crate::log_commands::replay::preview::Preview;

struct Rig {
    log: MemoryLog,
    runs: MemoryRuns,
    ports: ReplayPorts,
}

impl Rig {
    fn new() -> Self {
        let clock = Arc::new(TestClock::at(NOW));
        let log = MemoryLog::new(MemoryLogOptions { partitions: 1, ..MemoryLogOptions::default() }, clock.clone());
        let runs = MemoryRuns::default();
        let ports = ReplayPorts {
            log: Arc::new(log.clone()),
            again: Arc::new(log.clone()),
            dead_letters: Arc::new(MemoryDeadLetters::default()),
            lag: Arc::new(log.lag("persister")),
            clock,
        };
        Rig { log, runs, ports }
    }

    async fn append(&self, records: &[bytes::Bytes]) {
        for record in records {
            self.log.append(key(1).log_key(), record.clone()).await.unwrap();
        }
    }

    /// Folds these records into the store, as a persister does.
    async fn store(&self, run: u128, records: &[bytes::Bytes]) {
        let (mut state, mut new_events) = (RunState::default(), Vec::new());
        for record in records {
            let new = state.apply(Record::decode(record).unwrap()).new_events;
            new_events.extend(new.into_iter().map(|event| EventRow { event, received_at: NOW }));
        }
        let write =
            RunWrite { key: key(run), run: state.run, new_events, feed: Vec::new(), position: place(0), again: None };
        self.runs.save(Arc::new(vec![write])).await.unwrap();
    }

    async fn preview(&self, range: SelectionRange) -> (Counts<ByKind>, Would) {
        let selection = Selection { log: "a log".to_owned(), range, filters: Filters::default() };
        let plan = ReplayPlan::make(&selection, &self.log, &MemoryDeadLetters::default()).await.unwrap();
        let (_stopper, stop) = Stopper::new();
        let chooser = Chooser::new(&selection, ByFilters::new(&selection.filters, Arc::new(self.runs.clone())));
        let folding = Folding::new(Arc::new(self.runs.clone()));
        let (ended, counts, folding) = Preview::new(&self.ports, folding, chooser, plan).run(&stop).await.unwrap();
        assert_eq!(ended, Ended::Whole);
        (counts, folding.would)
    }
}

fn all() -> SelectionRange {
    SelectionRange::Time { from: Timestamp::from_millis(0), to: None }
}

#[tokio::test]
async fn it_says_what_is_missing_what_is_there_and_what_contradicts() {
    let rig = Rig::new();
    // Stored: run 1 with its start and one event. Missing: its second event, its finish, all of run 2.
    rig.store(1, &[start(1, "a"), events(1, [10])]).await;
    let log = [
        start(1, "a"),
        events(1, [10]),
        events(1, [10, 11]),
        finish(1),
        finish(1),
        start(1, "b"),
        start(2, "a"),
        start(2, "a"),
        unreadable(),
        newer(2),
    ];
    rig.append(&log).await;
    let (counts, would) = rig.preview(all()).await;
    assert_eq!((would.add.events, would.add.finish, would.add.start), (1, 1, 1));
    assert_eq!((would.change_nothing.start, would.change_nothing.events, would.change_nothing.finish), (2, 1, 1));
    assert_eq!((would.conflict.start, would.conflict.total()), (1, 1));
    assert_eq!((counts.appended.total(), counts.passed_over.unreadable, would.not_decode), (8, 2, 0));
    assert_eq!((would.runs_changed, would.exact), (2, true));
    let (counts, would) = rig.preview(SelectionRange::Offsets("0:6-".parse().unwrap())).await;
    assert_eq!((counts.appended.unreadable, would.not_decode), (2, 2), "named places are chosen all the same");

    assert_eq!(rig.log.records(0).len(), log.len(), "nothing was appended");
    let wanted = RunWanted { key: key(2), events: Vec::new() };
    assert_eq!(rig.runs.load(&[wanted]).await.unwrap()[0].run, None, "nothing was stored");
}

#[tokio::test]
async fn once_it_is_stored_nothing_would_change() {
    let rig = Rig::new();
    let log = [start(1, "a"), events(1, [10, 11]), finish(1)];
    rig.append(&log).await;
    assert_eq!(rig.preview(all()).await.1.add.total(), 3);
    rig.store(1, &log).await;
    let (_, would) = rig.preview(all()).await;
    assert_eq!((would.add.total(), would.change_nothing.total(), would.runs_changed), (0, 3, 0));
}

#[test]
fn a_run_that_is_forgotten_makes_the_counts_inexact() {
    let mut folding = Folding { changed_max: 1, ..Folding::new(Arc::new(MemoryRuns::default())) };
    let record = |run| vec![(key(run), vec![Record::decode(&start(run, "a")).unwrap()])];
    folding.fold(record(1), vec![StoredRun::default()]);
    folding.fold(record(1), vec![StoredRun::default()]);
    assert_eq!((folding.would.add.start, folding.would.change_nothing.start, folding.would.exact), (1, 1, true));
    folding.fold(record(2), vec![StoredRun::default()]);
    assert_eq!((folding.changed.len(), folding.would.exact), (1, false));
}
