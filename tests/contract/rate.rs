//! The rate bucket: bursts pass, more does not.

use std::time::Instant;

use futures_util::StreamExt;
use serde_json::json;
use tidegate_tests::clock::{SECOND_MS, now_ms};
use tidegate_tests::team::Agreed;
use tidegate_tests::{Answer, Plan, Team};

use crate::{team_apart, team_on};

fn rate(sustained_per_s: u32, burst: u32) -> Plan {
    let agreed = Agreed { sustained_per_s: Some(sustained_per_s), burst: Some(burst), ..Agreed::default() };
    Plan::Enterprise(agreed)
}

async fn beat(team: &Team) -> Answer {
    team.heartbeat(&json!({"agent": "fast"})).await
}

#[track_caller]
fn is_too_fast(answer: &Answer, sustained_per_s: u32) {
    let answer = answer.clone().refused(429, "rate_limit", None);
    let wait = answer.retry_after_s();
    assert!(wait >= 1, "{answer}");
    let message = format!("Team rate limit exceeded: {sustained_per_s} req/sec sustained. Retry in {wait} seconds.");
    assert_eq!(answer.message(), message);
}

/// AP-62: the burst passes at once, the next is 429 with a whole `Retry-After` and the sustained rate.
#[tokio::test]
async fn a_burst_passes_and_no_more() {
    let (_target, team) = team_on(rate(1, 5)).await;
    let begun = Instant::now();
    for _ in 0..5 {
        beat(&team).await.expect(202);
    }
    // The bucket fills while we ask: as many more may pass as seconds go by.
    let mut passed = 5;
    let refused = loop {
        let answer = beat(&team).await;
        if answer.status != 202 {
            break answer;
        }
        passed += 1;
        assert!(passed <= 5 + begun.elapsed().as_secs() + 1, "{passed} passed in {:?}", begun.elapsed());
    };
    is_too_fast(&refused, 1);
}

/// AP-62: one team's excess does not touch another's.
#[tokio::test]
async fn a_rate_is_a_teams_own() {
    let (target, fast) = team_on(rate(1, 1)).await;
    let slow = Team::create(target.deployment(), rate(1, 1)).await;
    while beat(&fast).await.status == 202 {}
    beat(&slow).await.expect(202);
    let unlimited = Team::create(target.deployment(), Plan::UNLIMITED).await;
    for _ in 0..20 {
        beat(&unlimited).await.expect(202);
    }
}

/// AP-62: a ping is refused in text, with `Retry-After`.
#[tokio::test]
async fn a_ping_is_refused_in_text() {
    let (_target, team) = team_on(rate(1, 1)).await;
    let refused = loop {
        let answer = team.ping(&[("agent", "fast")]).await;
        if answer.status != 200 {
            break answer.expect(429);
        }
    };
    assert_eq!(refused.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(refused.header("x-agentping-error"), Some("rate_limit"));
    assert!(refused.retry_after_s() >= 1);
    assert!(refused.text().starts_with("rate_limit Team rate limit exceeded: 1 req/sec sustained."), "{refused}");
}

/// AP-62: requests that are refused drain the bucket too, and the bucket's refusal wins over the body's (our choice).
#[tokio::test]
async fn refused_requests_drain_it() {
    let (_target, team) = team_on(rate(1, 3)).await;
    let refused = loop {
        let answer = team.call("POST", "/v1/runs").bytes("no JSON").send().await;
        if answer.status != 400 {
            break answer;
        }
    };
    is_too_fast(&refused, 1);
}

/// AP-62: a whole batch is one request (our choice).
#[tokio::test]
async fn a_batch_is_one_request() {
    let (_target, team) = team_on(rate(1, 2)).await;
    let batch: Vec<_> = (0..50).map(|_| tidegate_tests::wire::log_event(&team.event_id())).collect();
    team.batch(&team.run_id(), &batch).await.expect(202);
    beat(&team).await.expect(202);
}

/// AP-62: Starter's message names 100 a second.
#[tokio::test]
async fn starters_rate() {
    let (_target, team) = team_on(Plan::Starter).await;
    let drain = async || {
        for _ in 0..20_000 {
            // Cheap requests, faster than the bucket fills.
            let answer = team.call("POST", "/v1/runs").bytes("{").send().await;
            if answer.status != 400 {
                return Some(answer);
            }
        }
        None
    };
    let ten = futures_util::future::join_all((0..10).map(|_| drain())).await;
    let refused: Vec<Answer> = ten.into_iter().flatten().collect();
    assert!(!refused.is_empty(), "200,000 requests never went faster than 100 a second");
    for answer in refused {
        is_too_fast(&answer, 100);
    }
}

/// AP-62: each plan's burst passes to the last request, and the refusal names the plan's rate: 100, 500, 2,000.
#[tokio::test]
async fn each_plan_has_its_figures() {
    for (plan, sustained_per_s, burst) in
        [(Plan::Starter, 100, 200), (Plan::Team, 500, 1_000), (Plan::Business, 2_000, 5_000)]
    {
        let (target, team) = team_apart(plan).await;
        // Requests that are refused drain the bucket, too, and have no other cost.
        let drain = async || team.call("POST", "/v1/runs").bytes("{").send().await;
        drain().await.expect(400);
        target.at_rest().await;
        let begun = now_ms();
        let mut left = burst - 1;
        while left > 0 {
            // A clock that goes back by less than a minute fills no bucket, so the burst can be counted.
            target.set_clock_at_once(begun - 50 * SECOND_MS - now_ms()).await;
            let some = left.min(250);
            let answers = futures_util::stream::iter(0..some).map(|_| drain()).buffer_unordered(16);
            answers.for_each(async |answer| drop(answer.expect(400))).await;
            left -= some;
        }
        is_too_fast(&drain().await, sustained_per_s);
        let ping = team.ping(&[("agent", "fast")]).await.expect(429);
        let told =
            format!("rate_limit Team rate limit exceeded: {sustained_per_s} req/sec sustained. Retry in 1 seconds.\n");
        assert_eq!((ping.text(), ping.retry_after_s()), (told, 1));
    }
}

/// AP-62: the bucket fills with time: after the wait that `Retry-After` names, requests pass again.
#[tokio::test]
async fn it_fills_again() {
    let (target, team) = team_apart(rate(1, 2)).await;
    let refused = loop {
        let answer = beat(&team).await;
        if answer.status != 202 {
            break answer;
        }
    };
    is_too_fast(&refused, 1);
    target.set_clock(1_000 * refused.retry_after_s()).await;
    beat(&team).await.expect(202);
}
