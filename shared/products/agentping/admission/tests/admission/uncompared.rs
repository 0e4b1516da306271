//! The gate has lost its memory, and the store hangs: what can be compared with nothing is accepted, and nothing else.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tidegate_admission::Refusal;
use tidegate_agentping::{Body, HeartbeatStatus, TeamId};
use tidegate_kernel::Region;
use tokio::time::{Instant, advance};

use crate::world::{NOW, World, finish, heartbeat, start};

/// Well below what clients wait for.
const SOON: Duration = Duration::from_millis(1_500);

fn store_hangs(world: &World, hangs: bool) {
    world.backend.with(|state| state.store_hangs = hangs);
}

/// A front door whose gate has just lost its memory, and has been seeded by the store.
async fn forgetful() -> World {
    let mut world = World::new();
    world.restart();
    world.send(world.run(), start("a", NOW)).await.unwrap();
    world
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_request_is_taken_and_soon() {
    let world = forgetful().await;
    store_hangs(&world, true);
    for round in 0..3 {
        for body in [
            start("a", NOW),
            Body::Events(vec![world.event(1), world.event(2)]),
            finish(NOW),
            Body::Heartbeat(heartbeat("a", HeartbeatStatus::Ok)),
        ] {
            let (kind, asked) = (body.kind(), Instant::now());
            let taken = world.send(world.run(), body).await;
            assert!(taken.is_ok_and(|taken| taken.fresh), "{round} {kind}");
            assert!(asked.elapsed() < SOON, "{round} {kind}: {:?}", asked.elapsed());
        }
        advance(Duration::from_secs(2)).await;
    }
    assert_eq!(world.logged(), 13);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_is_not_waited_for_by_each_request() {
    let world = forgetful().await;
    store_hangs(&world, true);
    world.send(world.run(), start("a", NOW)).await.unwrap();
    let (asked, reads) = (Instant::now(), world.backend.store_reads.load(Ordering::SeqCst));
    for _ in 0..20 {
        world.send(world.run(), start("a", NOW)).await.unwrap();
    }
    assert_eq!(world.backend.store_reads.load(Ordering::SeqCst), reads);
    assert_eq!(asked.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn what_is_stored_is_told_again_once_the_store_answers() {
    let mut world = World::new();
    let run = world.run();
    world.send(run, start("a", NOW)).await.unwrap();
    world.backend.apply();
    world.restart();
    world.send(world.run(), start("a", NOW)).await.unwrap();
    store_hangs(&world, true);
    assert!(world.send(run, start("b", NOW)).await.unwrap().fresh, "nothing is left to compare it with");
    // Its claim is there now, and follows its rules.
    assert!(matches!(world.send(run, start("c", NOW)).await, Err(Refusal::StoreUnavailable { .. })));
    store_hangs(&world, false);
    advance(Duration::from_secs(2)).await;
    for _ in 0..2 {
        let again = world.send(run, start("a", NOW)).await;
        assert!(again.is_ok_and(|again| !again.fresh), "the first stays, and is a repeat");
        assert!(matches!(world.send(run, start("b", NOW)).await, Err(Refusal::StartConflict { .. })));
    }
    assert_eq!(world.stored(run).opening().unwrap().start.agent, crate::world::slug("a"));
}

#[tokio::test(start_paused = true)]
async fn the_same_content_again_is_taken_again_and_becomes_a_repeat() {
    let world = forgetful().await;
    let run = world.run();
    store_hangs(&world, true);
    for _ in 0..2 {
        assert!(world.send(run, start("a", NOW)).await.unwrap().fresh);
    }
    store_hangs(&world, false);
    world.backend.apply();
    advance(Duration::from_secs(2)).await;
    assert!(!world.send(run, start("a", NOW)).await.unwrap().fresh);
    assert_eq!(world.stored(run).units.iter().map(|(_, units)| units).sum::<u64>(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_the_gate_remembers_to_have_forgotten_still_needs_the_store() {
    let world = World::new();
    let run = world.run();
    world.send(run, start("a", NOW)).await.unwrap();
    world.backend.apply();
    world.clock.advance_ms(24 * 3_600_000);
    store_hangs(&world, true);
    let refused = world.send(run, start("b", NOW)).await;
    assert!(matches!(refused, Err(Refusal::StoreUnavailable { .. })), "{refused:?}");
    assert_eq!(world.logged(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_team_that_cannot_be_looked_up_leaves_the_gate_to_the_others() {
    let mut world = World::new();
    let run = world.run();
    world.send(run, start("a", NOW)).await.unwrap();
    store_hangs(&world, true);
    let known = world.caller.clone();
    for number in 100..110 {
        world.caller.team = TeamId::from_bits(Region::Eu, number);
        assert!(world.send(world.run(), start("a", NOW)).await.is_ok());
    }
    world.caller = known;
    assert!(!world.send(run, start("a", NOW)).await.unwrap().fresh, "a repeat is known as one");
    assert!(matches!(world.send(run, start("b", NOW)).await, Err(Refusal::StartConflict { .. })));
}
