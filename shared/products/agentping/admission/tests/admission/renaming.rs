//! Names of renamed agents at the front door: what goes on the log, what is the same run, and what answers say (AC-77).

use std::sync::Arc;

use tidegate_admission::{Refusal, StartField};
use tidegate_agentping::{AgentNames, Body, FinishStatus, HeartbeatStatus, Limits, Plan, Rename, Scope, Slug};

use crate::world::{NOW, World, finish, heartbeat, idle_start, slug, start};

fn names(renames: &[(&str, &str)]) -> Arc<AgentNames> {
    let rename = |(from, to): &(&str, &str)| Rename { from: slug(from), to: slug(to), at: NOW };
    Arc::new(AgentNames::of(&renames.iter().map(rename).collect::<Vec<_>>()))
}

/// The agent that the last record names.
fn logged(world: &World) -> Slug {
    match world.last_body() {
        Body::Start(start) => start.agent,
        Body::Heartbeat(heartbeat) => heartbeat.agent,
        other => panic!("{other:?} names no agent"),
    }
}

/// AC-77: the log has keys, answers have names.
#[tokio::test]
async fn ac_77_a_name_is_logged_by_its_key() {
    let mut world = World::new();
    let names = names(&[("old", "new")]);
    world.caller.names = Arc::clone(&names);
    let taken = world.send(world.run(), start("new", NOW)).await.unwrap();
    assert_eq!((logged(&world), taken.run.agent), (slug("old"), Some(slug("new"))));
    let run = world.run();
    let taken = world.send(run, start("old", NOW)).await.unwrap();
    assert_eq!((&logged(&world), taken.run.agent), (names.key(&slug("old")), Some(slug("old"))));
    assert_ne!(logged(&world), slug("old"), "a new agent");
    let finished = world.send(run, finish(NOW)).await.unwrap();
    assert_eq!(finished.run.agent, Some(slug("old")));
    world.send(world.run(), start("another", NOW)).await.unwrap();
    assert_eq!(logged(&world), slug("another"));
}

/// AC-77: a run that was open when its agent was renamed goes on, whichever of its names the client sends.
#[tokio::test]
async fn ac_77_an_open_run_goes_on_under_both_names() {
    let mut world = World::new();
    let run = world.run();
    let open = |name| idle_start(name, NOW, 600, FinishStatus::Success);
    world.send(run, open("old")).await.unwrap();
    world.caller.names = names(&[("old", "new")]);
    for name in ["old", "new"] {
        let again = world.send(run, open(name)).await.unwrap();
        assert_eq!((again.fresh, again.run.agent), (false, Some(slug("new"))), "{name}");
        assert_eq!(logged(&world), slug("old"));
    }
    // Another agent's name is a conflict as before, and says names.
    let refused = world.send(run, start("other", NOW)).await.unwrap_err();
    let field = StartField::Agent { supplied: slug("other") };
    assert_eq!(refused, Refusal::StartConflict { run, stored_agent: slug("new"), stored_started_at: NOW, field });
}

/// AC-77: a ping token reports for its agent under every name that the agent had, and for no other.
#[tokio::test]
async fn ac_77_a_token_follows_its_agent() {
    let mut world = World::new();
    world.caller.names = names(&[("old", "new"), ("new", "newer")]);
    world.caller.scope = Scope::Agent(slug("old"));
    for name in ["old", "new", "newer"] {
        let taken = world.send(world.run(), Body::Heartbeat(heartbeat(name, HeartbeatStatus::Ok))).await.unwrap();
        assert_eq!((logged(&world), taken.run.agent), (slug("old"), Some(slug("newer"))), "{name}");
    }
    let refused = world.send(world.run(), Body::Heartbeat(heartbeat("other", HeartbeatStatus::Ok))).await;
    assert_eq!(refused, Err(Refusal::ScopeAgent { own: slug("newer"), asked: slug("other") }));
    // The token of the agent that has the old name now.
    let fresh = world.caller.names.key(&slug("old")).clone();
    world.caller.scope = Scope::Agent(fresh.clone());
    world.send(world.run(), Body::Heartbeat(heartbeat("old", HeartbeatStatus::Ok))).await.unwrap();
    assert_eq!(logged(&world), fresh);
    let refused = world.send(world.run(), Body::Heartbeat(heartbeat("new", HeartbeatStatus::Ok))).await;
    assert_eq!(refused, Err(Refusal::ScopeAgent { own: slug("old"), asked: slug("new") }));
}

/// AC-77: a renamed agent takes one slot of the plan, the one that it had.
#[tokio::test]
async fn ac_77_a_renamed_agent_takes_no_second_slot() {
    let mut world = World::new();
    world.caller.plan = Plan::Enterprise(Limits { agents: Some(1), ..Limits::default() });
    let open = world.run();
    world.send(open, start("old", NOW)).await.unwrap();
    assert_eq!(world.stored(open).opening().unwrap().start.agent, slug("old"));
    world.caller.names = names(&[("old", "new")]);
    // A run that was open goes on under the old name, though there is no slot for another agent of that name.
    let again = world.send(open, start("old", NOW)).await.unwrap();
    assert_eq!((again.fresh, again.run.agent), (false, Some(slug("new"))));
    world.send(world.run(), start("new", NOW)).await.unwrap();
    let refused = world.send(world.run(), start("old", NOW)).await.unwrap_err();
    assert!(
        matches!(&refused, Refusal::AgentCap { cap: 1, slug: refused, .. } if *refused == slug("old")),
        "{refused:?}"
    );
}
