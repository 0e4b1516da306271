//! A whole replay of AgentPing's records, on ports in memory.

use std::sync::Arc;

use bytes::Bytes;
use tempfile::TempDir;
use tidegate_agentping::{Record, RunState};
use tidegate_agentping_inproc::runs::MemoryRuns;
use tidegate_agentping_ports::{RunWrite, Runs};
use tidegate_inproc::clock::TestClock;
use tidegate_inproc::dead_letters::MemoryDeadLetters;
use tidegate_inproc::log::{MemoryLog, MemoryLogOptions};
use tidegate_lifecycle::Stopper;
use tidegate_ports::{Append, Consumed};
use tidegate_replay::{Chooser, Ended, Progress, ProgressFile, ReplayPace, ReplayPlan, SelectionRange, Walk};

use super::samples::{NOW, events, finish, key, place, slug, start, team};
use super::*;
use crate::log_commands::kind::Kind;
use crate::log_commands::replay::counts::Counts;

type Selection = tidegate_replay::Selection<Filters>;

struct Rig {
    log: MemoryLog,
    runs: MemoryRuns,
    ports: ReplayPorts,
    folder: TempDir,
}

impl Rig {
    fn new() -> Self {
        let clock = Arc::new(TestClock::at(NOW));
        let log = MemoryLog::new(MemoryLogOptions { partitions: 3, ..MemoryLogOptions::default() }, clock.clone());
        let ports = ReplayPorts {
            log: Arc::new(log.clone()),
            again: Arc::new(log.clone()),
            dead_letters: Arc::new(MemoryDeadLetters::default()),
            lag: Arc::new(log.lag("persister")),
            clock,
        };
        Rig { log, runs: MemoryRuns::default(), ports, folder: tempfile::tempdir().unwrap() }
    }

    async fn append(&self, run: u128, payload: &Bytes) {
        self.log.append(key(run).log_key(), payload.clone()).await.unwrap();
    }

    /// Three runs: started, two events each, finished. Agents a, b, a.
    async fn filled() -> Self {
        let rig = Rig::new();
        for (run, agent) in [(1, "a"), (2, "b"), (3, "a")] {
            rig.append(run, &start(run, agent)).await;
            rig.append(run, &events(run, [run * 10, run * 10 + 1])).await;
            rig.append(run, &finish(run)).await;
        }
        rig
    }

    async fn replay(&self, selection: &Selection) -> (Ended, Progress<Counts<ByKind>>) {
        let plan = ReplayPlan::make(selection, &self.log, &MemoryDeadLetters::default()).await.unwrap();
        let file = ProgressFile::of(selection, Some(self.folder.path().join("progress.json")));
        let chooser = Chooser::new(selection, ByFilters::new(&selection.filters, Arc::new(self.runs.clone())));
        let pace = ReplayPace { rate: 100_000, thresholds: ShedThresholds::default() };
        let (_stopper, stop) = Stopper::new();
        Walk::new(&self.ports, chooser, &file, Progress::new(selection, plan, NOW), pace).run(&stop).await.unwrap()
    }

    /// Payloads of what was appended again, by partition and offset.
    fn again(&self) -> Vec<Bytes> {
        let is_again = |one: &Consumed| one.provenance.as_ref().is_some_and(|provenance| provenance.origin.is_some());
        let all = (0..3).flat_map(|partition| self.log.records(partition));
        all.filter(is_again).map(|one| one.payload).collect()
    }
}

fn everything(filters: Filters) -> Selection {
    let range = SelectionRange::Time { from: NOW.plus_millis(-1), to: None };
    Selection { log: "a log".to_owned(), range, filters }
}

#[tokio::test(start_paused = true)]
async fn filters_choose_and_the_rest_is_accounted_for() {
    for (filters, appended) in [
        (Filters { team: Some(team(1)), ..Filters::default() }, 9),
        (Filters { team: Some(team(2)), ..Filters::default() }, 0),
        (Filters { kind: Some(Kind::Events), ..Filters::default() }, 3),
        // The starts in the range say to which agent the events and finishes belong.
        (Filters { agent: Some(slug("a")), ..Filters::default() }, 6),
        (Filters { agent: Some(slug("a")), kind: Some(Kind::Finish), ..Filters::default() }, 2),
        (Filters { agent: Some(slug("c")), ..Filters::default() }, 0),
    ] {
        let rig = Rig::filled().await;
        let (_, progress) = rig.replay(&everything(filters.clone())).await;
        let counts = progress.counts;
        assert_eq!(counts.appended.total(), appended, "{filters:?}");
        assert_eq!(counts.appended.total() + counts.passed_over.total(), 9, "{filters:?}: {counts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_store_is_asked_for_agents_and_unknown_ones_are_counted() {
    let rig = Rig::new();
    for run in [1, 2, 3] {
        rig.append(run, &finish(run)).await;
    }
    let mut state = RunState::default();
    state.apply(Record::decode(&start(1, "a")).unwrap());
    let write = |run, state: &RunState| RunWrite {
        key: key(run),
        run: state.run.clone(),
        new_events: Vec::new(),
        feed: Vec::new(),
        position: place(0),
        again: None,
    };
    let mut other = RunState::default();
    other.apply(Record::decode(&start(2, "b")).unwrap());
    rig.runs.save(Arc::new(vec![write(1, &state), write(2, &other)])).await.unwrap();
    let (_, progress) = rig.replay(&everything(Filters { agent: Some(slug("a")), ..Filters::default() })).await;
    let passed = progress.counts.passed_over;
    assert_eq!((progress.counts.appended.finish, passed.not_asked_for, passed.agent_unknown), (1, 1, 1));
    assert_eq!(rig.again(), [finish(1)]);
}
