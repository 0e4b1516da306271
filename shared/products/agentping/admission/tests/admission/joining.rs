//! Whoever joins a claim writes what the claim remembers: answers and store agree, whichever record landed first and
//! whichever never did.

use tidegate_agentping::{Body, FinishStatus, HeartbeatStatus, RunId, RunStatus};
use tidegate_kernel::Timestamp;
use tidegate_ports::Clock;

use crate::world::*;

/// Between the first request and the one that joins it.
const LATER_MS: i64 = 5_000;

/// What became of the first request's record.
#[derive(Clone, Copy, Debug)]
enum First {
    Lost,
    Landed,
}

/// A request whose server fills in what it leaves out, as the front door does at the time of receipt.
type Filled = fn(Timestamp) -> Body;

const FORMS: [(&str, Filled); 5] = [
    ("a start", |_| start("a", NOW.plus_millis(-1_000))),
    ("a finish without its time", finish),
    ("a heartbeat that opens", |_| Body::Heartbeat(heartbeat("a", HeartbeatStatus::Start))),
    ("a heartbeat that closes", |_| Body::Heartbeat(heartbeat("a", HeartbeatStatus::Ok))),
    ("a heartbeat that closes, with its start", |_| {
        let mut closing = heartbeat("a", HeartbeatStatus::Fail);
        closing.started_at = Some(NOW.plus_millis(-7));
        Body::Heartbeat(closing)
    }),
];

async fn first(world: &World, run: RunId, body: Body, fate: First) {
    world.appends(match fate {
        First::Lost => Appends::Lost,
        First::Landed => Appends::Landed,
    });
    assert!(world.send(run, body).await.is_err(), "its outcome is not known");
    world.appends(Appends::Work);
}

#[tokio::test]
async fn who_joins_answers_and_writes_what_repeats_get() {
    for (what, form) in FORMS {
        for fate in [First::Lost, First::Landed] {
            let case = format!("{what}, the first one {fate:?}");
            let world = World::new();
            let run = world.run();
            first(&world, run, form(world.clock.now()), fate).await;
            world.clock.advance_ms(LATER_MS);
            let joined = world.send(run, form(world.clock.now())).await.unwrap();
            assert!(joined.fresh, "{case}");
            world.clock.advance_ms(LATER_MS);
            let repeat = world.send(run, form(world.clock.now())).await.unwrap();
            assert!(!repeat.fresh, "{case}");
            assert_eq!(joined.run, repeat.run, "{case}");
            let stored = world.stored(run);
            if let Some(opening) = stored.opening() {
                assert_eq!(repeat.run.received_at, Some(opening.received_at), "{case}");
                assert_eq!(repeat.run.started_at, Some(opening.start.started_at), "{case}");
                assert_eq!(opening.received_at, NOW, "{case}");
            }
            if let Some(finish) = stored.finish.as_ref() {
                assert_eq!(repeat.run.finished_at, Some(finish.finished_at), "{case}");
                assert_eq!((finish.received_at, finish.finished_at), (NOW, NOW), "{case}");
            }
        }
    }
}

#[tokio::test]
async fn what_a_joiner_says_itself_is_written_as_it_says() {
    let world = World::new();
    let run = world.run();
    first(&world, run, finish_with(FinishStatus::Success, NOW), First::Lost).await;
    world.clock.advance_ms(LATER_MS);
    let own = NOW.plus_millis(17);
    assert!(world.send(run, finish_with(FinishStatus::Failed, own)).await.unwrap().fresh);
    let finish = world.stored(run).finish.unwrap();
    assert_eq!((finish.status, finish.finished_at), (FinishStatus::Failed, own));
}

#[tokio::test]
async fn a_run_is_not_born_closed_by_silence() {
    let world = World::new();
    let run = world.run();
    let watched = || idle_start("a", NOW, 60, FinishStatus::Timeout);
    first(&world, run, watched(), First::Lost).await;
    world.clock.advance_ms(60_000);
    let now = world.clock.now();
    assert!(world.send(run, watched()).await.unwrap().fresh);
    assert_eq!(world.stored(run).status_at(now), RunStatus::Running);
}
