//! The whole replay on ports in memory.

mod failing;
mod rig;

use std::collections::BTreeSet;
use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;
use tidegate_agentping::{Record, RunState};
use tidegate_agentping_ports::{RunWrite, Runs};
use tidegate_inproc::log::MemoryLog;
use tidegate_kernel::Position;
use tidegate_lifecycle::Stopper;
use tidegate_ports::{Again, AppendAgain, DeadLetters, Origin};
use tidegate_shedding::Thresholds;

use super::super::plan::Plan;
use super::super::samples::{NOW, finish, key, place, slug, start, team, unreadable};
use super::super::selection::{Filters, Range};
use super::*;
use crate::log_commands::kind::Kind;
use rig::{Rig, catch_up, dead_letters, everything, letter, pace};

#[tokio::test(start_paused = true)]
async fn every_record_goes_again_once_in_its_runs_order_with_where_it_was() {
    let rig = Rig::filled().await;
    let before = rig.records();
    let (ended, progress) = rig.replay(&everything(Filters::default())).await;
    assert_eq!((ended, progress.plan.done(), progress.plan.total()), (Ended::Whole, 9, 9));
    assert_eq!(progress.counts.appended.total(), 9);
    assert!(!rig.path().exists(), "there is nothing to go on with");
    let expected: Vec<(Origin, Bytes)> =
        before.iter().map(|one| (Origin { position: one.position, attempt: 2 }, one.payload.clone())).collect();
    assert_eq!(rig.again(), expected, "each partition in its order");
}

#[tokio::test(start_paused = true)]
async fn a_second_replay_passes_over_what_the_first_one_appended() {
    let rig = Rig::filled().await;
    let selection = everything(Filters::default());
    rig.replay(&selection).await;
    let (ended, progress) = rig.replay(&selection).await;
    assert_eq!((ended, progress.plan.total()), (Ended::Whole, 18));
    assert_eq!((progress.counts.appended.total(), progress.counts.passed_over.replays), (9, 9));
    let filled: BTreeSet<u32> = rig.records().iter().map(|one| one.position.partition).collect();
    let all: Vec<String> = filled.iter().map(|partition| format!("{partition}:0-")).collect();
    let places = Selection { range: Range::Offsets(all.join(",").parse().unwrap()), ..selection };
    let (_, progress) = rig.replay(&places).await;
    assert_eq!(progress.counts.appended.total(), 27, "places are taken whatever is there");
    let attempts: Vec<u32> = rig.again().iter().map(|(origin, _)| origin.attempt).collect();
    assert!(attempts.contains(&3) && attempts.iter().all(|attempt| (2..=3).contains(attempt)), "{attempts:?}");
}

#[tokio::test(start_paused = true)]
async fn filters_choose_and_the_rest_is_accounted_for() {
    for (filters, appended) in [
        (Filters { team: Some(team(1)), ..Filters::default() }, 9),
        (Filters { team: Some(team(2)), ..Filters::default() }, 0),
        (Filters { kind: Some(Kind::Events), ..Filters::default() }, 3),
        // The starts in the range tell whose the events and finishes are.
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
async fn the_store_is_asked_for_agents_and_what_nobody_knows_is_told() {
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
        position: place(0),
        again: None,
    };
    let mut other = RunState::default();
    other.apply(Record::decode(&start(2, "b")).unwrap());
    rig.runs.save(Arc::new(vec![write(1, &state), write(2, &other)])).await.unwrap();
    let (_, progress) = rig.replay(&everything(Filters { agent: Some(slug("a")), ..Filters::default() })).await;
    let passed = progress.counts.passed_over;
    assert_eq!((progress.counts.appended.finish, passed.not_asked_for, passed.agent_unknown), (1, 1, 1));
    assert_eq!(rig.again()[0].1, finish(1));
}

#[tokio::test(start_paused = true)]
async fn letters_go_again_but_for_those_of_replays_and_those_that_came_since() {
    let rig = Rig::filled().await;
    let at = |number: usize| rig.records()[number].position;
    let (first, origin) = (at(0), Origin { position: at(0), attempt: 2 });
    for letter in [
        letter(first, start(1, "a"), None),
        letter(at(1), unreadable(), None),
        letter(at(2), finish(2), Some(origin)),
        letter(Position { offset: 400, ..first }, finish(1), None),
    ] {
        rig.letters.append(letter).await.unwrap();
    }
    let (ended, progress) = rig.replay(&dead_letters()).await;
    assert_eq!((ended, progress.plan.done(), progress.plan.total()), (Ended::Whole, 3, 3));
    let passed = progress.counts.passed_over;
    assert_eq!((progress.counts.appended.start, passed.unreadable, passed.replays), (1, 1, 1));
    assert_eq!(rig.again(), [(origin, start(1, "a"))]);
}

#[tokio::test(start_paused = true)]
async fn it_waits_while_consumers_are_behind_and_goes_on_when_they_are_not() {
    let rig = Rig::filled().await;
    // Nine records wait, and the line is at ten.
    let thresholds =
        ShedThresholds { records: Thresholds { leave: 5, enter: 10, full: 100 }, ..ShedThresholds::default() };
    let selection = everything(Filters::default());
    let file = rig.file(&selection);
    let plan = Plan::make(&selection, &rig.log, &rig.letters).await.unwrap();
    let walk = Walk::new(
        &rig.ports,
        &selection,
        &file,
        Progress::new(&selection, plan, NOW),
        Pace { rate: 1_000, thresholds },
    );
    let mut state = walk.state();
    let (_stopper, stop) = Stopper::new();
    let catches_up = async {
        let waits = |state: &ReplayState| matches!(state.doing, Doing::Yielding(Yield::Behind { records: 10, .. }));
        state.wait_for(waits).await.unwrap();
        assert_eq!(rig.again().len(), 1, "up to the line and not over it");
        catch_up(&rig).await;
    };
    let ((ended, progress), ()) = tokio::join!(async { walk.run(&stop).await.unwrap() }, catches_up);
    assert_eq!((ended, progress.counts.appended.total()), (Ended::Whole, 9));
}

/// Notes when each append came.
struct Timed(MemoryLog, Mutex<Vec<Instant>>);

#[async_trait]
impl AppendAgain for Timed {
    async fn append_again(&self, again: Again) -> Result<Position, AppendError> {
        self.1.lock().unwrap().push(Instant::now());
        self.0.append_again(again).await
    }
}

#[tokio::test(start_paused = true)]
async fn it_keeps_its_rate() {
    let rig = Rig::filled().await;
    let timed = Arc::new(Timed(rig.log.clone(), Mutex::default()));
    let ports = Ports { again: timed.clone(), ..rig.ports.clone() };
    let began = Instant::now();
    rig.replay_by(&everything(Filters::default()), &ports, pace(2)).await;
    // The clock of this test moves only when all wait: these are exact numbers and no measurement.
    let at: Vec<u64> =
        timed.1.lock().unwrap().iter().map(|at| at.duration_since(began).as_millis() as u64 / 500).collect();
    assert_eq!(at, (1..=9).collect::<Vec<u64>>());
}
