//! What is accepted, what repeats, what conflicts, and what each answer says.

use tidegate_admission::{Refusal, StartField};
use tidegate_agentping::{Body, FinishStatus, HeartbeatStatus, RunStatus, Scope};
use tidegate_kernel::Usd;

use crate::world::{NOW, World, finish, finish_with, heartbeat, idle_start, slug, start};

#[tokio::test]
async fn a_start_is_taken_in_once() {
    let world = World::new();
    let run = world.run();
    let first = world.send(run, start("a", NOW)).await.unwrap();
    assert!(first.fresh && first.position.is_some());
    assert_eq!((first.run.status, first.run.received_at), (RunStatus::Running, Some(NOW)));
    world.clock.advance_ms(5_000);
    let again = world.send(run, start("a", NOW)).await.unwrap();
    assert!(!again.fresh && again.position.is_none());
    assert_eq!(again.run, first.run, "with the time of the first receipt");
    assert_eq!(world.logged(), 1);
}

#[tokio::test]
async fn another_agent_or_start_time_conflicts_and_the_agent_is_named_first() {
    let world = World::new();
    let run = world.run();
    world.send(run, start("a", NOW)).await.unwrap();
    let later = NOW.plus_millis(1);
    for (agent, started_at, field) in [
        ("b", NOW, StartField::Agent { supplied: slug("b") }),
        ("a", later, StartField::StartedAt { supplied: later }),
        ("b", later, StartField::Agent { supplied: slug("b") }),
    ] {
        let refusal = world.send(run, start(agent, started_at)).await.unwrap_err();
        let expected = Refusal::StartConflict { run, stored_agent: slug("a"), stored_started_at: NOW, field };
        assert_eq!(refusal, expected);
    }
    assert_eq!(world.logged(), 1);
}

#[tokio::test]
async fn only_the_new_events_of_a_batch_go_on_the_log() {
    let world = World::new();
    let (run, one, two) = (world.run(), world.event(1), world.event(2));
    let first = world.send(run, Body::Events(vec![one.clone()])).await.unwrap();
    assert_eq!((first.fresh, first.events_accepted, first.events_duplicate), (true, 1, 0));
    let mixed = world.send(run, Body::Events(vec![one.clone(), two.clone()])).await.unwrap();
    assert_eq!((mixed.fresh, mixed.events_accepted, mixed.events_duplicate), (true, 1, 1));
    assert_eq!(world.last_body(), Body::Events(vec![two.clone()]));
    let repeat = world.send(run, Body::Events(vec![two.clone(), one.clone()])).await.unwrap();
    assert_eq!((repeat.fresh, repeat.events_accepted, repeat.events_duplicate), (false, 0, 2));
    let mut other = one.clone();
    other.content_hash = 9;
    let conflict = world.send(run, Body::Events(vec![world.event(3), two, other])).await;
    assert_eq!(conflict, Err(Refusal::EventConflict { index: 2 }));
    let elsewhere = world.send(world.run(), Body::Events(vec![one])).await;
    assert_eq!(elsewhere, Err(Refusal::EventConflict { index: 0 }), "the same event under another run");
    assert_eq!((world.logged(), world.stored(run).events), (2, 2));
}

#[tokio::test]
async fn a_finish_answers_with_what_is_known_of_its_run() {
    let world = World::new();
    let run = world.run();
    world.send(run, start("a", NOW)).await.unwrap();
    let end = NOW.plus_millis(12_300);
    let first = world.send(run, finish(end)).await.unwrap();
    assert!(first.fresh);
    assert_eq!((first.run.status, first.run.duration_ms), (RunStatus::Success, Some(12_300)));
    assert_eq!((first.run.agent.clone(), first.run.started_at), (Some(slug("a")), Some(NOW)));
    assert_eq!(first.run.cost, None);
    world.backend.apply();
    let again = world.send(run, finish_with(FinishStatus::Failed, end.plus_millis(1))).await.unwrap();
    assert!(!again.fresh);
    assert_eq!((again.run.status, again.run.finished_at), (RunStatus::Success, Some(end)));
    assert_eq!(again.run.cost, Some(Usd::ZERO), "the store knows it");
    let repeat = again.repeat.unwrap();
    assert_eq!((repeat.first_received_at, repeat.stands_as), (NOW, Some(FinishStatus::Success)));
    assert_eq!(world.logged(), 3, "another end under a used id is no retry");
    let retried = world.send(run, finish(end)).await.unwrap();
    assert_eq!(retried.repeat.unwrap().stands_as, None);
    let opened_again = world.send(run, start("a", NOW)).await.unwrap();
    assert_eq!((opened_again.fresh, opened_again.run.status), (false, RunStatus::Success));
    assert_eq!(world.logged(), 3);
}

#[tokio::test]
async fn a_finish_may_come_before_its_start() {
    let world = World::new();
    let run = world.run();
    let first = world.send(run, finish(NOW)).await.unwrap();
    assert_eq!((first.fresh, first.run.agent, first.run.duration_ms), (true, None, None));
    let start = world.send(run, start("a", NOW)).await.unwrap();
    assert_eq!((start.fresh, start.run.status, start.run.duration_ms), (true, RunStatus::Success, Some(0)));
}

#[tokio::test]
async fn a_closing_heartbeat_is_one_run_and_one_unit() {
    let world = World::new();
    let run = world.run();
    let mut ok = heartbeat("a", HeartbeatStatus::Ok);
    ok.cost = Some(Usd::parse("0.084").unwrap());
    let first = world.send(run, Body::Heartbeat(ok.clone())).await.unwrap();
    assert_eq!((first.fresh, first.run.duration_ms, first.run.cost), (true, Some(0), ok.cost));
    world.clock.advance_ms(700);
    let again = world.send(run, Body::Heartbeat(ok)).await.unwrap();
    assert_eq!((again.fresh, &again.run), (false, &first.run));
    let other = world.send(run, Body::Heartbeat(heartbeat("b", HeartbeatStatus::Fail))).await;
    assert!(matches!(other, Err(Refusal::StartConflict { field: StartField::Agent { .. }, .. })));
    let units: u64 = world.stored(run).units.iter().map(|(_, units)| units).sum();
    assert_eq!((world.logged(), units), (1, 1));
}

#[tokio::test]
async fn a_heartbeat_closes_what_another_opened_and_the_gap_is_its_duration() {
    for explicit in [None, Some(5)] {
        let world = World::new();
        let run = world.run();
        let opened = world.send(run, Body::Heartbeat(heartbeat("a", HeartbeatStatus::Start))).await.unwrap();
        assert_eq!((opened.run.status, opened.run.finished_at), (RunStatus::Running, None));
        world.clock.advance_ms(4_200);
        let mut fail = heartbeat("a", HeartbeatStatus::Fail);
        fail.duration_ms = explicit;
        let closed = world.send(run, Body::Heartbeat(fail)).await.unwrap();
        assert!(closed.fresh);
        assert_eq!((closed.run.status, closed.run.duration_ms), (RunStatus::Failed, explicit.or(Some(4_200))));
        assert_eq!((closed.run.started_at, closed.run.received_at), (Some(NOW), Some(NOW)));
        let stored = world.stored(run);
        assert_eq!(stored.duration_ms(NOW), closed.run.duration_ms, "as the fold has it");
    }
}

/// A run that is closed stays as it is: a start that comes late is a repeat, and leaves and counts nothing
/// (AgentPing: heartbeats).
#[tokio::test]
async fn a_start_after_the_closing_heartbeat_changes_nothing() {
    let world = World::new();
    let run = world.run();
    let closed = world.send(run, Body::Heartbeat(heartbeat("a", HeartbeatStatus::Ok))).await.unwrap();
    world.backend.apply();
    let before = world.stored(run);
    let mut opening = heartbeat("a", HeartbeatStatus::Start);
    opening.started_at = Some(NOW.plus_millis(-1_000));
    for late in [Body::Heartbeat(opening), start("a", NOW.plus_millis(-2_000))] {
        let repeated = world.send(run, late).await.unwrap();
        assert_eq!((repeated.fresh, repeated.position), (false, None));
        assert_eq!(repeated.run, closed.run);
        assert_eq!((world.logged(), world.stored(run)), (1, before.clone()));
    }
    let other = world.send(run, start("b", NOW)).await;
    assert!(matches!(other, Err(Refusal::StartConflict { field: StartField::Agent { .. }, .. })));
}

#[tokio::test]
async fn a_heartbeat_that_closes_what_a_finish_closed_opens_it_and_counts_once() {
    let world = World::new();
    let run = world.run();
    world.send(run, finish(NOW.plus_millis(50))).await.unwrap();
    let late = world.send(run, Body::Heartbeat(heartbeat("a", HeartbeatStatus::Fail))).await.unwrap();
    assert_eq!((late.fresh, late.run.status, late.run.duration_ms), (true, RunStatus::Success, Some(50)));
    let units: u64 = world.stored(run).units.iter().map(|(_, units)| units).sum();
    assert_eq!(units, 2);
}

#[tokio::test]
async fn a_repeated_start_of_an_idle_run_is_activity() {
    let world = World::new();
    let run = world.run();
    let conversation = idle_start("a", NOW, 900, FinishStatus::Success);
    for turn in 0..3 {
        world.clock.set(NOW.plus_millis(turn * 600_000));
        let answer = world.send(run, conversation.clone()).await.unwrap();
        assert_eq!((answer.fresh, answer.run.received_at), (turn == 0, Some(NOW)));
        assert!(answer.position.is_some(), "it is on the log each time");
    }
    let stored = world.stored(run);
    assert_eq!(stored.last_activity, NOW.plus_millis(1_200_000));
    assert_eq!(stored.units.iter().map(|(_, units)| units).sum::<u64>(), 1);
    world.send(run, finish(NOW)).await.unwrap();
    let after = world.send(run, conversation).await.unwrap();
    assert_eq!((after.position, after.run.status), (None, RunStatus::Success));
}

#[tokio::test]
async fn a_minted_run_is_always_new() {
    let world = World::new();
    for _ in 0..2 {
        let mut submission = world.submission(world.run(), Body::Heartbeat(heartbeat("a", HeartbeatStatus::Ok)));
        submission.minted = true;
        assert!(world.admission.accept(&world.caller, submission).await.unwrap().fresh);
    }
    assert_eq!(world.logged(), 2);
}

#[tokio::test]
async fn a_ping_token_goes_no_further_than_its_agents_heartbeats() {
    let mut world = World::new();
    world.caller.scope = Scope::Agent(slug("own"));
    let ok = |agent| Body::Heartbeat(heartbeat(agent, HeartbeatStatus::Ok));
    assert!(world.send(world.run(), ok("own")).await.is_ok());
    let other = world.send(world.run(), ok("other")).await;
    assert_eq!(other, Err(Refusal::ScopeAgent { own: slug("own"), asked: slug("other") }));
    for body in [start("own", NOW), finish(NOW), Body::Events(vec![world.event(1)])] {
        assert_eq!(world.send(world.run(), body).await, Err(Refusal::ScopeHeartbeatsOnly));
    }
    assert_eq!(world.logged(), 1);
}
