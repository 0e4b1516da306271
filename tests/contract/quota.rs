//! The monthly quota: what counts, and where it ends.

use serde_json::json;
use tidegate_tests::clock::{MINUTE_MS, iso_seconds, next_month_ms, now_ms};
use tidegate_tests::team::Agreed;
use tidegate_tests::{Answer, Plan, Team, wire};

use crate::{team, team_apart, team_on};

fn allowance(events_per_month: u64) -> Plan {
    Plan::Enterprise(Agreed { events_per_month: Some(events_per_month), ..Agreed::default() })
}

async fn beat(team: &Team) -> Answer {
    team.heartbeat(&json!({"agent": "counter"})).await
}

/// AP-59: a run counts 1 for its start, 1 per event, 1 for its finish; scores, repeats and refusals count 0.
#[tokio::test]
async fn what_counts() {
    let (_target, team) = team().await;
    let run = team.run_id();
    let start = wire::start(&run, "a");
    team.start(&start).await.expect(202);
    team.usage_is(1).await;
    let call = [wire::llm_call(&team.event_id(), "acme", "m1", (1, 0, 1))];
    team.batch(&run, &call).await.expect(202);
    let finish = wire::with(wire::finish(), "scores", json!({"a": 1, "b": 2}));
    team.finish(&run, &finish).await.expect(202);
    team.usage_is(3).await;
    team.start(&start).await.expect(200);
    team.batch(&run, &call).await.expect(200);
    team.finish(&run, &finish).await.expect(200);
    team.start(&wire::with(start, "agent", json!("b"))).await.expect(409);
    team.start(&json!({})).await.expect(400);
    team.heartbeat(&json!({"agent": "a", "status": "bogus"})).await.expect(400);
    team.ping(&[]).await.expect(400);
    let two = [wire::log_event(&team.event_id()), wire::log_event(&team.event_id())];
    team.batch(&run, &two).await.expect(202);
    team.usage_is(5).await;
    beat(&team).await.expect(202);
    team.ping(&[("agent", "a")]).await.expect(200);
    team.usage_is(7).await;
    team.read("/v1/runs").await.expect(200);
    team.usage_is(7).await;
}

/// AP-59: what the plans allow, as the usage shows it.
#[tokio::test]
async fn the_plans_allowances() {
    for (plan, word, allowance) in
        [(Plan::Starter, "starter", 100_000), (Plan::Team, "team", 1_000_000), (Plan::Business, "business", 10_000_000)]
    {
        let (_target, team) = team_on(plan).await;
        let usage = team.read("/v1/usage").await.expect(200).json();
        assert_eq!((&usage["plan"], &usage["allowance"]), (&json!(word), &json!(allowance)));
        assert_eq!(usage["events"], 0);
    }
}

/// AP-60, AP-61: between 100 % and 150 % of the plan ingest answers 202; from there on every ingest is refused.
#[tokio::test]
async fn half_as_much_again_gets_in() {
    for (month, gets_in) in [(10, 15), (3, 4), (1, 1)] {
        let (_target, team) = team_on(allowance(month)).await;
        for _ in 0..gets_in {
            beat(&team).await.expect(202);
        }
        is_over(&beat(&team).await, 0);
        team.usage_is(gets_in).await;
    }
}

/// Checks the whole refusal, by a clock `offset_ms` ahead of ours; returns the seconds to wait.
#[track_caller]
fn is_over(answer: &Answer, offset_ms: i64) -> i64 {
    let answer = answer.clone().refused(429, "quota_exceeded", None);
    let now = now_ms() + offset_ms;
    let resets = next_month_ms(now - MINUTE_MS);
    assert_eq!(answer.message(), format!("Monthly event cap exceeded. Resets at {}.", iso_seconds(resets)));
    let wait = answer.retry_after_s();
    let rest = (resets - now) / 1_000;
    // The request took a moment, so a little more was left when it was judged.
    assert!((rest..=rest + 60).contains(&wait) && wait >= 1, "{rest} s are left: {answer}");
    wait
}

/// AP-61: over the cap every ingest is refused, a ping in text with `Retry-After`, and repeats too (our choice).
#[tokio::test]
async fn every_ingest_is_refused() {
    let (_target, team) = team_on(allowance(2)).await;
    let run = team.run_id();
    let start = wire::start(&run, "a");
    let event = [wire::log_event(&team.event_id())];
    team.start(&start).await.expect(202);
    team.batch(&run, &event).await.expect(202);
    team.finish(&run, &wire::finish()).await.expect(202);
    is_over(&team.start(&start).await, 0);
    is_over(&team.start(&wire::start(&team.run_id(), "a")).await, 0);
    is_over(&team.batch(&run, &event).await, 0);
    is_over(&team.finish(&run, &wire::finish()).await, 0);
    is_over(&beat(&team).await, 0);
    is_over(&team.start(&json!({})).await, 0);
    let ping = team.ping(&[("agent", "a")]).await.expect(429);
    assert!(ping.text().starts_with("quota_exceeded Monthly event cap exceeded. Resets at "), "{ping}");
    assert_eq!(ping.header("x-agentping-error"), Some("quota_exceeded"));
    assert!(ping.retry_after_s() >= 1);
    team.usage_is(3).await;
}

/// AP-60: a batch that begins below the line is taken whole (our choice).
#[tokio::test]
async fn a_batch_may_cross_the_line() {
    let (_target, team) = team_on(allowance(10)).await;
    let run = team.run_id();
    let batch: Vec<_> = (0..50).map(|_| wire::log_event(&team.event_id())).collect();
    team.start(&wire::start(&run, "a")).await.expect(202);
    team.batch(&run, &batch).await.expect(202);
    team.run_with_events(&run, 50).await;
    is_over(&beat(&team).await, 0);
    team.usage_is(51).await;
}

/// AP-61: the wait is counted down to the next UTC month, and ingest works again at that instant.
#[tokio::test]
async fn a_new_month_begins_anew() {
    let (target, team) = team_apart(allowance(2)).await;
    for _ in 0..3 {
        beat(&team).await.expect(202);
    }
    let first = is_over(&beat(&team).await, 0);
    let resets = next_month_ms(now_ms());
    let offset = resets - 2 * MINUTE_MS - now_ms();
    target.set_clock(offset).await;
    let later = is_over(&beat(&team).await, offset);
    assert!(later <= 120 && later <= first, "two minutes are left, not {later} s");
    target.set_clock(resets - now_ms()).await;
    beat(&team).await.expect(202);
    team.usage_is(1).await;
}

/// AP-61: one team's quota is its own, and a larger plan holds within seconds.
#[tokio::test]
async fn a_quota_is_a_teams_own() {
    let (target, team) = team_on(allowance(1)).await;
    let other = Team::create(target.deployment(), allowance(1)).await;
    beat(&team).await.expect(202);
    is_over(&beat(&team).await, 0);
    beat(&other).await.expect(202);
    team.set_plan(allowance(100)).await;
    tidegate_tests::eventually(tidegate_tests::wait::READABLE, "the larger plan holds", async || {
        let answer = beat(&team).await;
        if answer.status == 202 { Ok(()) } else { Err(answer.to_string()) }
    })
    .await;
}
