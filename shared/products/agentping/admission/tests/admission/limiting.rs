//! Rate, quota and agents, through the whole of admission.

use tidegate_admission::Refusal;
use tidegate_agentping::{Body, HeartbeatStatus, Limits, Scope, TeamId};
use tidegate_kernel::{Month, Region};

use crate::world::{Appends, NOW, TEAM, World, heartbeat, slug, start};

#[tokio::test]
async fn faulty_and_forbidden_requests_drain_the_bucket_too() {
    let mut world = World::limited(Limits { sustained_per_s: Some(5), burst: Some(3), ..Limits::default() });
    assert_eq!(world.admission.charge(&world.caller).await, Ok(()));
    world.caller.scope = Scope::Agent(slug("own"));
    assert_eq!(world.send(world.run(), start("own", NOW)).await, Err(Refusal::ScopeHeartbeatsOnly));
    world.caller.scope = Scope::Team;
    assert!(world.send(world.run(), start("a", NOW)).await.is_ok());
    let refused = Refusal::Rate { sustained_per_s: 5, retry_after_s: 1 };
    assert_eq!(world.send(world.run(), start("a", NOW)).await, Err(refused.clone()));
    assert_eq!(world.admission.charge(&world.caller).await, Err(refused.clone()));
    world.caller.scope = Scope::Agent(slug("own"));
    assert_eq!(world.send(world.run(), start("own", NOW)).await, Err(refused), "it comes before the scope");
    world.clock.advance_ms(200);
    assert_eq!(world.admission.charge(&world.caller).await, Ok(()));
}

#[tokio::test]
async fn quota_accepts_to_150_percent_and_again_at_the_instant_the_month_turns() {
    let world = World::limited(Limits { events_per_month: Some(100), ..Limits::default() });
    let batch = |count| Body::Events((0..count).map(|_| world.event(1)).collect());
    for _ in 0..3 {
        assert!(world.send(world.run(), batch(49)).await.is_ok());
    }
    let repeated = world.run();
    assert!(world.send(repeated, start("a", NOW)).await.is_ok());
    assert!(world.send(world.run(), batch(50)).await.is_ok(), "below the line at 148, taken whole");
    let resets_at = Month::of(NOW).next().start();
    let refused = |now: tidegate_kernel::Timestamp| Refusal::Quota {
        resets_at,
        retry_after_s: resets_at.millis_since(now).div_ceil(1_000),
    };
    assert_eq!(world.send(world.run(), batch(1)).await, Err(refused(NOW)));
    assert_eq!(world.send(repeated, start("a", NOW)).await, Err(refused(NOW)), "a repeat too");
    assert_eq!(world.admission.charge(&world.caller).await, Err(refused(NOW)));
    let before = resets_at.plus_millis(-1);
    world.clock.set(before);
    assert_eq!(world.send(world.run(), batch(1)).await, Err(refused(before)));
    assert_eq!(refused(before), Refusal::Quota { resets_at, retry_after_s: 1 });
    world.clock.set(resets_at);
    assert!(world.send(world.run(), batch(1)).await.is_ok());
}

#[tokio::test]
async fn only_what_is_new_counts() {
    let world = World::limited(Limits { events_per_month: Some(4), ..Limits::default() });
    let (run, one, two) = (world.run(), world.event(1), world.event(2));
    for _ in 0..20 {
        assert!(world.send(run, start("a", NOW)).await.is_ok());
        assert!(world.send(run, Body::Events(vec![one.clone()])).await.is_ok());
        assert!(world.send(run, Body::Events(vec![one.clone(), two.clone()])).await.is_ok());
        let beat = heartbeat("a", HeartbeatStatus::Start);
        assert!(world.send(run, Body::Heartbeat(beat)).await.is_ok());
    }
    let mut other = one.clone();
    other.content_hash = 9;
    for _ in 0..20 {
        let refused = world.send(run, Body::Events(vec![world.event(1), other.clone()])).await;
        assert_eq!(refused, Err(Refusal::EventConflict { index: 1 }));
    }
    let stored = world.stored(run);
    assert_eq!(stored.units.iter().map(|(_, units)| units).sum::<u64>(), 3);
    assert_eq!(world.logged(), 3);
}

#[tokio::test]
async fn the_eleventh_agent_is_refused_and_the_ten_go_on() {
    let mut world = World::limited(Limits { agents: Some(10), ..Limits::default() });
    for n in 0..10 {
        assert!(world.send(world.run(), start(&format!("agent-{n}"), NOW)).await.is_ok());
    }
    for restarted in [false, true] {
        if restarted {
            world.backend.apply();
            world.restart();
        }
        let refused = world.send(world.run(), start("agent-10", NOW)).await;
        let Err(Refusal::AgentCap { cap: 10, slug: refused, hints }) = refused else { panic!("{refused:?}") };
        assert_eq!(refused, slug("agent-10"));
        if restarted {
            // By what the store knows: one character more or less, and the oldest.
            assert_eq!(hints.near, ["agent-0", "agent-1", "agent-2"].map(slug), "{hints:?}");
            assert_eq!(hints.longest_unseen.len(), 3, "{hints:?}");
        }
        for n in 0..10 {
            let beat = heartbeat(&format!("agent-{n}"), HeartbeatStatus::Ok);
            assert!(world.send(world.run(), Body::Heartbeat(beat)).await.is_ok());
        }
    }
    world.caller.scope = Scope::Agent(slug("tokened"));
    let beat = Body::Heartbeat(heartbeat("tokened", HeartbeatStatus::Ok));
    assert!(world.send(world.run(), beat).await.is_ok(), "a ping token's agent exists already");
}

#[tokio::test]
async fn the_names_that_help_at_the_cap_are_the_teams_own() {
    let mut world = World::limited(Limits { agents: Some(1), ..Limits::default() });
    let teams = [(world.caller.team, "nightly"), (TeamId::from_bits(Region::Eu, 8), "weekly")];
    for (team, agent) in teams {
        world.caller.team = team;
        assert!(world.send(world.run(), start(agent, NOW)).await.is_ok());
    }
    world.backend.apply();
    for (team, agent) in teams {
        world.caller.team = team;
        for refused in ["nigthly", "weekyl"] {
            let Err(Refusal::AgentCap { hints, .. }) = world.send(world.run(), start(refused, NOW)).await else {
                panic!("{refused} was taken")
            };
            let near = if refused[..2] == agent[..2] { vec![slug(agent)] } else { vec![] };
            assert_eq!(hints.near, near, "{refused}");
            assert_eq!(hints.longest_unseen, [(slug(agent), Some(NOW))], "{refused}");
        }
    }
}

#[tokio::test]
async fn a_first_use_that_failed_frees_its_slot() {
    let world = World::limited(Limits { agents: Some(1), ..Limits::default() });
    world.appends(Appends::FailForCertain);
    assert!(world.send(world.run(), start("a", NOW)).await.is_err());
    world.appends(Appends::Work);
    assert!(world.send(world.run(), start("b", NOW)).await.is_ok());
    assert!(matches!(world.send(world.run(), start("a", NOW)).await, Err(Refusal::AgentCap { .. })));
}

#[tokio::test]
async fn after_a_restart_the_count_goes_on_from_the_store() {
    let mut world = World::limited(Limits { events_per_month: Some(10), ..Limits::default() });
    let events = (0..15).map(|_| world.event(1)).collect();
    assert!(world.send(world.run(), Body::Events(events)).await.is_ok());
    world.backend.apply();
    world.restart();
    assert!(matches!(world.send(world.run(), start("a", NOW)).await, Err(Refusal::Quota { .. })));
    let usage = tidegate_agentping_ports::RunQueries::usage(&*world.backend, TEAM, Month::of(NOW)).await;
    assert_eq!(usage, Ok(15));
}
