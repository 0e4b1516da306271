//! What a front door took at the gate and never wrote is given back, and never what is written.

use std::sync::Arc;

use tidegate_admission::Refusal;
use tidegate_agentping::{Body, Event, Limits, Plan};
use tidegate_agentping_inproc::gate::MemoryGate;
use tidegate_agentping_ports::Gate;
use tidegate_kernel::Month;

use crate::world::{Appends, NOW, TEAM, World, slug, start};

/// Longer than any append, and than a team is left alone between two looks.
const LATER_MS: i64 = 20_000;

fn one_agent() -> World {
    World::limited(Limits { agents: Some(1), ..Limits::default() })
}

async fn is_capped(world: &World, agent: &str) -> bool {
    match world.send(world.run(), start(agent, NOW)).await {
        Ok(_) => false,
        Err(Refusal::AgentCap { .. }) => true,
        Err(other) => panic!("{other:?}"),
    }
}

fn events(world: &World, count: usize) -> Vec<Event> {
    (0..count).map(|_| world.event(1)).collect()
}

#[tokio::test]
async fn the_name_of_an_agent_that_was_never_written_is_given_back() {
    let world = one_agent();
    world.die_while_appending(world.run(), start("a", NOW)).await;
    world.clock.advance_ms(1_000);
    assert!(is_capped(&world, "b").await, "its record may still land");
    world.clock.advance_ms(LATER_MS);
    assert!(!is_capped(&world, "b").await);
    world.clock.advance_ms(LATER_MS);
    assert!(is_capped(&world, "a").await, "the slot is taken now");
}

#[tokio::test]
async fn the_name_of_an_agent_that_is_on_the_log_is_kept() {
    let world = one_agent();
    world.appends(Appends::Landed);
    assert!(matches!(world.send(world.run(), start("a", NOW)).await, Err(Refusal::OutcomeUnknown { .. })));
    world.appends(Appends::Work);
    for _ in 0..3 {
        world.clock.advance_ms(LATER_MS);
        assert!(is_capped(&world, "b").await, "it waits to be applied");
    }
    world.backend.with(|state| state.lag_down = true);
    world.clock.advance_ms(LATER_MS);
    assert!(is_capped(&world, "b").await, "what is applied is not known");
    world.backend.with(|state| state.lag_down = false);
    world.backend.apply();
    for _ in 0..3 {
        world.clock.advance_ms(LATER_MS);
        assert!(is_capped(&world, "b").await, "it is stored");
    }
}

#[tokio::test]
async fn a_name_that_is_used_again_is_kept_for_as_long_as_that_may_land() {
    let world = one_agent();
    world.die_while_appending(world.run(), start("a", NOW)).await;
    world.clock.advance_ms(LATER_MS);
    world.die_while_appending(world.run(), start("a", NOW)).await;
    world.clock.advance_ms(10_000);
    assert!(is_capped(&world, "b").await);
    world.clock.advance_ms(LATER_MS);
    assert!(!is_capped(&world, "b").await);
}

#[tokio::test]
async fn without_the_store_nothing_is_given_back() {
    let world = one_agent();
    world.die_while_appending(world.run(), start("a", NOW)).await;
    world.clock.advance_ms(LATER_MS);
    world.store_down(true);
    assert!(is_capped(&world, "b").await);
    world.store_down(false);
    world.clock.advance_ms(LATER_MS);
    assert!(!is_capped(&world, "b").await);
}

#[tokio::test]
async fn a_team_at_its_limit_is_looked_up_now_and_then_only() {
    let world = one_agent();
    assert!(!is_capped(&world, "a").await);
    assert!(is_capped(&world, "b").await);
    let reads = || world.backend.store_reads.load(std::sync::atomic::Ordering::SeqCst);
    let before = reads();
    for _ in 0..100 {
        world.clock.advance_ms(50);
        assert!(is_capped(&world, "b").await);
    }
    assert_eq!(reads(), before);
}

#[tokio::test]
async fn units_that_were_never_written_are_given_back_and_counted_when_they_are_written_after_all() {
    let gate = Arc::new(MemoryGate::default());
    let mut world = World::on(Arc::clone(&gate) as _);
    world.caller.plan = Plan::Enterprise(Limits { events_per_month: Some(2), ..Limits::default() });
    let (run, lost) = (world.run(), events(&world, 3));
    world.die_while_appending(run, Body::Events(lost.clone())).await;
    let refused = world.send(world.run(), Body::Events(events(&world, 1))).await;
    assert!(matches!(refused, Err(Refusal::Quota { .. })), "{refused:?}");
    world.clock.advance_ms(LATER_MS);
    world.send(world.run(), Body::Events(events(&world, 1))).await.unwrap();
    let used = async || gate.usage(TEAM, Month::of(NOW)).await.unwrap();
    assert_eq!(used().await, Some(1));
    // The client comes back with what was lost: its claims are still there, and their units are not.
    world.send(run, Body::Events(lost)).await.unwrap();
    assert_eq!(used().await, Some(4));
    world.backend.apply();
    let stored = tidegate_agentping_ports::RunQueries::usage(&*world.backend, TEAM, Month::of(NOW)).await;
    assert_eq!(stored, Ok(4));
}

#[tokio::test]
async fn units_that_are_written_stay_counted() {
    let world = World::limited(Limits { events_per_month: Some(2), ..Limits::default() });
    world.appends(Appends::Landed);
    let sent = world.send(world.run(), Body::Events(events(&world, 3))).await;
    assert!(matches!(sent, Err(Refusal::OutcomeUnknown { .. })));
    world.appends(Appends::Work);
    for applied in [false, true] {
        if applied {
            world.backend.apply();
        }
        for _ in 0..3 {
            world.clock.advance_ms(LATER_MS);
            let refused = world.send(world.run(), Body::Events(events(&world, 1))).await;
            assert!(matches!(refused, Err(Refusal::Quota { .. })), "{applied} {refused:?}");
        }
    }
}

/// The slot of an agent that is archived between the reading of the store and the settlement is free after it, and not
/// taken again by what was read.
#[tokio::test]
async fn an_agent_that_is_archived_while_the_store_is_read_keeps_no_slot() {
    let gate = Arc::new(MemoryGate::default());
    let mut world = World::on(Arc::clone(&gate) as _);
    world.caller.plan = Plan::Enterprise(Limits { agents: Some(1), ..Limits::default() });
    assert!(!is_capped(&world, "a").await);
    world.backend.apply();
    world.clock.advance_ms(LATER_MS);
    let (backend, forgetting) = (Arc::clone(&world.backend), Arc::clone(&gate));
    let archive = Box::pin(async move {
        backend.with(|state| state.archived.push(slug("a")));
        forgetting.forget_agent(TEAM, slug("a")).await.unwrap();
    });
    world.backend.with(|state| state.after_agents_are_read = Some(archive));
    assert!(!is_capped(&world, "b").await, "the slot is free");
    assert!(world.backend.with(|state| state.after_agents_are_read.is_none()), "it was archived meanwhile");
    assert_eq!(gate.agents(TEAM).await, Ok(Some(1)));
    world.clock.advance_ms(LATER_MS);
    assert!(is_capped(&world, "a").await, "it is taken now");
}
