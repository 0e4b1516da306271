//! The whole replay on ports in memory.

mod failing;
mod rig;

use std::collections::BTreeSet;
use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;
use tidegate_inproc::log::MemoryLog;
use tidegate_kernel::Position;
use tidegate_lifecycle::Stopper;
use tidegate_ports::{Again, AppendAgain, DeadLetters, Origin};
use tidegate_shedding::Thresholds;

use super::*;
use crate::plan::ReplayPlan;
use crate::samples::{NOW, OfWord, payload};
use crate::selection::{Selection, SelectionRange};
use rig::{Rig, catch_up, chooser, dead_letter, dead_letters, everything, pace};

#[tokio::test(start_paused = true)]
async fn every_record_goes_again_once_in_its_keys_order_with_its_position() {
    let rig = Rig::filled().await;
    let before = rig.records();
    let (ended, progress) = rig.replay(&everything(OfWord::default())).await;
    assert_eq!((ended, progress.plan.done(), progress.plan.total()), (Ended::Whole, 9, 9));
    assert_eq!(progress.counts.appended, 9);
    assert!(!rig.path().exists(), "there is nothing to go on with");
    let expected: Vec<(Origin, Bytes)> =
        before.iter().map(|one| (Origin { position: one.position, attempt: 2 }, one.payload.clone())).collect();
    assert_eq!(rig.again(), expected, "each partition in its order");
}

#[tokio::test(start_paused = true)]
async fn a_second_replay_passes_over_what_the_first_one_appended() {
    let rig = Rig::filled().await;
    let selection = everything(OfWord::default());
    rig.replay(&selection).await;
    let (ended, progress) = rig.replay(&selection).await;
    assert_eq!((ended, progress.plan.total()), (Ended::Whole, 18));
    assert_eq!((progress.counts.appended, progress.counts.replays), (9, 9));
    let filled: BTreeSet<u32> = rig.records().iter().map(|one| one.position.partition).collect();
    let all: Vec<String> = filled.iter().map(|partition| format!("{partition}:0-")).collect();
    let places = Selection { range: SelectionRange::Offsets(all.join(",").parse().unwrap()), ..selection };
    let (_, progress) = rig.replay(&places).await;
    assert_eq!(progress.counts.appended, 27, "named positions are taken whatever is there");
    let attempts: Vec<u32> = rig.again().iter().map(|(origin, _)| origin.attempt).collect();
    assert!(attempts.contains(&3) && attempts.iter().all(|attempt| (2..=3).contains(attempt)), "{attempts:?}");
}

#[tokio::test(start_paused = true)]
async fn dead_letters_go_again_but_for_those_of_replays_and_later_ones() {
    let rig = Rig::filled().await;
    let at = |number: usize| rig.records()[number].position;
    let (first, origin) = (at(0), Origin { position: at(0), attempt: 2 });
    for dead_letter in [
        dead_letter(first, "1 a", None),
        dead_letter(at(1), "unreadable", None),
        dead_letter(at(2), "2 ?", Some(origin)),
        dead_letter(Position { offset: 400, ..first }, "1 ?", None),
    ] {
        rig.dead_letters.append(dead_letter).await.unwrap();
    }
    let (ended, progress) = rig.replay(&dead_letters()).await;
    assert_eq!((ended, progress.plan.done(), progress.plan.total()), (Ended::Whole, 3, 3));
    let counts = progress.counts;
    assert_eq!((counts.appended, counts.others, counts.replays), (1, 1, 1));
    assert_eq!(rig.again(), [(origin, payload("1 a"))]);
}

#[tokio::test(start_paused = true)]
async fn it_waits_while_consumers_are_behind_and_goes_on_when_they_are_not() {
    let rig = Rig::filled().await;
    // Nine records wait, and the threshold is ten.
    let thresholds =
        ShedThresholds { records: Thresholds { leave: 5, enter: 10, full: 100 }, ..ShedThresholds::default() };
    let selection = everything(OfWord::default());
    let file = rig.file(&selection);
    let plan = ReplayPlan::make(&selection, &rig.log, &rig.dead_letters).await.unwrap();
    let walk = Walk::new(
        &rig.ports,
        chooser(&selection),
        &file,
        Progress::new(&selection, plan, NOW),
        ReplayPace { rate: 1_000, thresholds },
    );
    let mut state = walk.state();
    let (_stopper, stop) = Stopper::new();
    let catches_up = async {
        let waits = |state: &ReplayState| matches!(state.doing, Doing::Yielding(Yield::Behind { records: 10, .. }));
        state.wait_for(waits).await.unwrap();
        assert_eq!(rig.again().len(), 1, "up to the threshold and not over it");
        catch_up(&rig).await;
    };
    let ((ended, progress), ()) = tokio::join!(async { walk.run(&stop).await.unwrap() }, catches_up);
    assert_eq!((ended, progress.counts.appended), (Ended::Whole, 9));
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
    let ports = ReplayPorts { again: timed.clone(), ..rig.ports.clone() };
    let began = Instant::now();
    rig.replay_by(&everything(OfWord::default()), &ports, pace(2)).await;
    // The clock of this test moves only when all wait: these are exact numbers and no measurement.
    let at: Vec<u64> =
        timed.1.lock().unwrap().iter().map(|at| at.duration_since(began).as_millis() as u64 / 500).collect();
    assert_eq!(at, (1..=9).collect::<Vec<u64>>());
}
