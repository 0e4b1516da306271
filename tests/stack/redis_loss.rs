//! The gate's Redis forgets, dies, and hangs in the middle of traffic. It shapes the answers; no record depends on it.

use std::time::Duration;

use serde_json::json;
use tidegate_tests::durability::load::Clients;
use tidegate_tests::durability::verdict;
use tidegate_tests::stack::{RedisServer, Settings};
use tidegate_tests::team::Agreed;
use tidegate_tests::{Answer, Plan, Target, Team, eventually, wire};

use crate::BINARY;

const CLIENTS: u64 = 4;
const SOME: u64 = 60;
const PATIENCE_MS: i64 = 400;
/// How long a gate that is there again may take to be asked again.
const COMES_BACK: Duration = Duration::from_secs(60);

/// A deployment with a Redis of its own.
async fn deployed(redis: &RedisServer) -> Target {
    let settings = Settings { redis_url: Some(redis.url()), redis_patience_ms: PATIENCE_MS, ..Settings::default() };
    Target::on_the_stack(BINARY, &settings).await
}

/// Flushed again and again, killed and started empty, held still and let go: nothing is lost, nothing is doubled.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_record_is_lost_or_doubled() {
    let mut redis = RedisServer::spawn().await;
    let target = deployed(&redis).await;
    let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
    let settled = [team.run_id(), team.run_id()];
    let known = settled.clone().map(|run| wire::start(&run, "before"));
    for start in &known {
        team.start(start).await.expect(202);
    }
    let apart = Team::create(target.deployment(), Plan::UNLIMITED).await;
    let clients = Clients::begin(apart, CLIENTS);
    for _ in 0..5 {
        clients.acknowledge(SOME).await;
        redis.flush().await;
    }
    remembered(&team, &known[0]).await;
    clients.acknowledge(SOME).await;
    redis.kill();
    clients.acknowledge(SOME).await;
    redis.start().await;
    clients.acknowledge(SOME).await;
    redis.hang();
    clients.acknowledge(SOME).await;
    redis.go_on();
    remembered(&team, &known[1]).await;
    clients.acknowledge(SOME).await;
    let load = clients.end().await;
    println!("{}", verdict::check(&load.team, &load.book.all()).await);
    team.lists_exactly(&settled).await;
}

/// A repeat and a conflict of what was stored before the loss are known as such again; until the gate is asked
/// again, a repeat may be answered 202, and never anything worse.
async fn remembered(team: &Team, start: &serde_json::Value) {
    eventually(COMES_BACK, "a repeat is known as one", async || match team.start(start).await {
        answer if answer.status == 200 => Ok(()),
        answer => {
            let answer = answer.expect(202);
            Err(answer.to_string())
        }
    })
    .await;
    let other = wire::with(start.clone(), "agent", json!("impostor"));
    eventually(COMES_BACK, "a conflict is known as one", async || match team.start(&other).await {
        answer if answer.status == 409 => Ok(answer),
        answer => Err(answer.expect(202).to_string()),
    })
    .await
    .refused(409, "id_conflict", Some("agent"));
}

/// A Redis that hangs: requests are accepted within the local share of the team's rate, more is refused as too fast,
/// and when it continues, so does the gate.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hanging_redis_leaves_a_local_share() {
    let redis = RedisServer::spawn().await;
    let target = deployed(&redis).await;
    let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
    let agreed = Agreed { sustained_per_s: Some(1), burst: Some(40), ..Agreed::default() };
    let tight = Team::create(target.deployment(), Plan::Enterprise(agreed)).await;
    let beat = async |team: &Team| team.heartbeat(&json!({"agent": "a"})).await;
    beat(&team).await.expect(202);
    beat(&tight).await.expect(202);
    let before = target.metrics().await.sum("tidegate_gate_down_total", &[]);

    redis.hang();
    for _ in 0..20 {
        beat(&team).await.expect(202);
    }
    let mut passed = 0;
    let refused: Answer = loop {
        let answer = beat(&tight).await;
        if answer.status != 202 {
            break answer;
        }
        passed += 1;
        assert!(passed <= 2 * 40, "both doors let the whole burst in, and more");
    };
    refused.refused(429, "rate_limit", None);
    assert!(passed > 0, "a share of the rate is let in");
    let down = target.metrics().await.sum("tidegate_gate_down_total", &[]) - before;
    assert!(down > 0, "the gate answered all the time");

    redis.go_on();
    let run = team.run_id();
    let start = wire::start(&run, "a");
    team.start(&start).await.expect(202);
    remembered(&team, &start).await;
    team.stored_run(&run).await;
    let quiet = eventually(COMES_BACK, "the gate answers again", async || {
        let before = target.metrics().await.sum("tidegate_gate_down_total", &[]);
        for _ in 0..4 {
            beat(&team).await.expect(202);
        }
        let more = target.metrics().await.sum("tidegate_gate_down_total", &[]) - before;
        if more == 0 { Ok(()) } else { Err(format!("{more} questions were not answered")) }
    });
    quiet.await;
}
