//! Where the gate does not remember, the store decides: exact answers either way.

use std::sync::atomic::Ordering;

use tidegate_admission::Refusal;
use tidegate_agentping::{Body, HeartbeatStatus, RunStatus};

use crate::world::{NOW, World, finish, heartbeat, start};

const DAY_MS: i64 = 24 * 3_600_000;

fn store_reads(world: &World) -> u32 {
    world.backend.store_reads.load(Ordering::SeqCst)
}

#[tokio::test]
async fn after_a_restart_repeats_and_conflicts_are_told_by_the_store() {
    let mut world = World::new();
    let (run, one) = (world.run(), world.event(1));
    world.send(run, start("a", NOW)).await.unwrap();
    world.send(run, Body::Events(vec![one.clone()])).await.unwrap();
    world.send(run, finish(NOW.plus_millis(10))).await.unwrap();
    world.backend.apply();
    world.restart();
    world.clock.advance_ms(1_000);
    for _ in 0..2 {
        let again = world.send(run, start("a", NOW)).await.unwrap();
        assert_eq!((again.fresh, again.run.received_at, again.run.status), (false, Some(NOW), RunStatus::Success));
        let refused = world.send(run, start("b", NOW)).await;
        assert!(matches!(refused, Err(Refusal::StartConflict { .. })), "{refused:?}");
        let again = world.send(run, finish(NOW.plus_millis(99))).await.unwrap();
        assert_eq!((again.fresh, again.run.finished_at), (false, Some(NOW.plus_millis(10))));
        assert_eq!(again.run.duration_ms, Some(10));
        let again = world.send(run, Body::Events(vec![one.clone()])).await.unwrap();
        assert_eq!((again.fresh, again.events_duplicate), (false, 1));
        let mut other = one.clone();
        other.content_hash = 2;
        let refused = world.send(run, Body::Events(vec![world.event(3), other])).await;
        assert_eq!(refused, Err(Refusal::EventConflict { index: 1 }));
        let elsewhere = world.send(world.run(), Body::Events(vec![one.clone()])).await;
        assert_eq!(elsewhere, Err(Refusal::EventConflict { index: 0 }));
        let beat = world.send(run, Body::Heartbeat(heartbeat("a", HeartbeatStatus::Ok))).await.unwrap();
        assert!(!beat.fresh);
    }
    assert_eq!(world.logged(), 3);
    let mixed = world.send(run, Body::Events(vec![one, world.event(4)])).await.unwrap();
    assert_eq!((mixed.events_accepted, mixed.events_duplicate), (1, 1));
    assert_eq!(world.stored(run).events, 2);
}

/// What an earlier build took in has its hash of the same content, in the gate and in the store.
#[tokio::test]
async fn an_event_taken_in_by_an_earlier_build_is_a_repeat() {
    let mut world = World::new();
    let run = world.run();
    let old = world.event(1);
    world.send(run, Body::Events(vec![old.clone(), world.event(5)])).await.unwrap();
    world.backend.apply();
    let (mut again, mut other) = (old.clone(), old);
    (again.content_hash, again.earlier_hash) = (2, Some(1));
    (other.content_hash, other.earlier_hash) = (3, Some(4));
    for _ in 0..2 {
        let repeat = world.send(run, Body::Events(vec![again.clone()])).await.unwrap();
        assert_eq!((repeat.fresh, repeat.events_duplicate), (false, 1));
        let mixed = world.send(run, Body::Events(vec![world.event(6), again.clone()])).await.unwrap();
        assert_eq!((mixed.events_accepted, mixed.events_duplicate), (1, 1));
        let refused = world.send(run, Body::Events(vec![other.clone()])).await;
        assert_eq!(refused, Err(Refusal::EventConflict { index: 0 }));
        world.backend.apply();
        world.restart();
    }
    assert_eq!(world.stored(run).events, 4);
}

#[tokio::test]
async fn after_a_restart_what_was_never_written_is_new_once() {
    let mut world = World::new();
    let run = world.run();
    world.restart();
    assert!(world.send(run, start("a", NOW)).await.unwrap().fresh);
    assert!(!world.send(run, start("a", NOW)).await.unwrap().fresh);
    assert_eq!(world.logged(), 1);
}

#[tokio::test]
async fn ids_born_after_the_restart_do_without_the_store() {
    let mut world = World::new();
    world.restart();
    world.clock.advance_ms(120_000);
    world.send(world.run(), start("a", NOW)).await.unwrap();
    let before = store_reads(&world);
    for _ in 0..10 {
        let run = world.run();
        world.send(run, start("a", NOW)).await.unwrap();
        world.send(run, start("a", NOW)).await.unwrap();
        world.send(run, finish(NOW)).await.unwrap();
    }
    assert_eq!(store_reads(&world), before);
}

#[tokio::test]
async fn within_the_window_the_gate_answers_and_after_it_the_store() {
    let world = World::new();
    let run = world.run();
    world.send(run, start("a", NOW)).await.unwrap();
    world.backend.apply();
    let before = store_reads(&world);
    world.clock.set(NOW.plus_millis(DAY_MS - 1_000));
    assert!(!world.send(run, start("a", NOW)).await.unwrap().fresh);
    assert_eq!(store_reads(&world), before);
    world.clock.set(NOW.plus_millis(DAY_MS));
    assert!(!world.send(run, start("a", NOW)).await.unwrap().fresh);
    assert!(matches!(world.send(run, start("b", NOW)).await, Err(Refusal::StartConflict { .. })));
    assert!(store_reads(&world) > before);
    assert_eq!(world.logged(), 1);
}

#[tokio::test]
async fn the_store_knows_a_finish_that_the_gate_forgot() {
    let world = World::new();
    let run = world.run();
    world.send(run, Body::Heartbeat(heartbeat("a", HeartbeatStatus::Start))).await.unwrap();
    world.backend.apply();
    world.clock.advance_ms(2 * DAY_MS);
    let closed = world.send(run, Body::Heartbeat(heartbeat("a", HeartbeatStatus::Ok))).await.unwrap();
    assert_eq!((closed.fresh, closed.run.started_at), (true, Some(NOW)));
    assert_eq!(closed.run.duration_ms, Some(2 * DAY_MS as u64));
    let stored = world.stored(run);
    assert_eq!(stored.duration_ms(NOW), closed.run.duration_ms);
    assert!(!world.send(run, Body::Heartbeat(heartbeat("a", HeartbeatStatus::Ok))).await.unwrap().fresh);
}
