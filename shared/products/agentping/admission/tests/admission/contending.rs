//! The same id from several at once.

use tidegate_admission::Refusal;
use tidegate_agentping::Body;
use tidegate_kernel::Month;

use crate::waiting::wait_until;
use crate::world::{Appends, NOW, World, start};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_at_once_make_one_run() {
    let world = World::new();
    let run = world.run();
    let sending: Vec<_> = (0..100).map(|_| world.spawn(run, start("a", NOW))).collect();
    let mut fresh = 0;
    for answer in sending {
        fresh += u32::from(answer.await.unwrap().unwrap().fresh);
    }
    assert!(fresh >= 1);
    assert_eq!(world.logged(), fresh as usize, "who got 202 has a record, who got 200 has none");
    assert_eq!(world.stored(run).units, vec![(Month::of(NOW), 1)]);
    assert!(!world.send(run, start("a", NOW)).await.unwrap().fresh);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_contents_are_never_both_told_success() {
    for round in 0..40 {
        let world = World::new();
        let run = world.run();
        let agent = |n: u32| if n.is_multiple_of(2) { "a" } else { "b" };
        let sending: Vec<_> = (0..20).map(|n| (n, world.spawn(run, start(agent(n + round), NOW)))).collect();
        let mut accepted = Vec::new();
        for (n, answer) in sending {
            match answer.await.unwrap() {
                Ok(_) => accepted.push(agent(n + round)),
                Err(Refusal::StartConflict { .. } | Refusal::Undecided { .. }) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        accepted.dedup();
        assert_eq!(accepted.len(), 1, "{accepted:?}");
        let stored = world.stored(run);
        assert_eq!(stored.opening().unwrap().start.agent.as_str(), accepted[0]);
        assert!(!stored.conflicted);
    }
}

#[tokio::test]
async fn the_same_events_of_a_dead_front_door_are_joined() {
    let world = World::new();
    let (run, one, two) = (world.run(), world.event(1), world.event(2));
    world.die_while_appending(run, Body::Events(vec![one.clone()])).await;
    let answer = world.send(run, Body::Events(vec![one, two])).await.unwrap();
    assert_eq!((answer.fresh, answer.events_accepted, answer.events_duplicate), (true, 2, 0));
    assert_eq!(world.stored(run).events, 2);
}

#[tokio::test]
async fn a_dead_front_doors_claim_is_taken_over_once_nothing_of_it_can_land() {
    let world = World::new();
    let run = world.run();
    world.die_while_appending(run, start("a", NOW)).await;
    for after_ms in [0, 10_000, 16_000] {
        world.clock.set(NOW.plus_millis(after_ms));
        let young = world.send(run, start("b", NOW)).await;
        assert!(matches!(young, Err(Refusal::Undecided { retry_after_s: 1..=2 })), "after {after_ms} ms: {young:?}");
    }
    world.clock.set(NOW.plus_millis(16_001));
    assert!(world.send(run, start("b", NOW)).await.unwrap().fresh);
    assert!(matches!(world.send(run, start("a", NOW)).await, Err(Refusal::StartConflict { .. })));
    assert_eq!(world.stored(run).opening().unwrap().start.agent.as_str(), "b");
}

#[tokio::test]
async fn no_claim_is_taken_over_while_consumers_are_behind() {
    let world = World::new();
    let run = world.run();
    world.appends(Appends::Landed);
    assert!(matches!(world.send(run, start("a", NOW)).await, Err(Refusal::OutcomeUnknown { .. })));
    world.appends(Appends::Work);
    world.clock.advance_ms(3_600_000);
    assert!(matches!(world.send(run, start("b", NOW)).await, Err(Refusal::Undecided { .. })), "it is not applied yet");
    world.backend.apply();
    assert!(matches!(world.send(run, start("b", NOW)).await, Err(Refusal::StartConflict { .. })), "the store knows");
    assert_eq!(world.logged(), 1);
}

#[tokio::test]
async fn who_waits_learns_the_outcome() {
    let world = World::new();
    let run = world.run();
    world.appends(Appends::Hang);
    let dead = world.spawn(run, start("a", NOW));
    wait_until("the claim is there", || world.backend.store_reads.load(std::sync::atomic::Ordering::SeqCst) >= 2).await;
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    world.appends(Appends::Work);
    let other = world.spawn(run, start("b", NOW));
    let refused = other.await.unwrap();
    assert!(matches!(refused, Err(Refusal::Undecided { .. })), "{refused:?}");
    dead.abort();
    assert!(world.send(run, start("a", NOW)).await.unwrap().fresh);
}
