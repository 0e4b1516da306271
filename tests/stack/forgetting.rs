//! A gate that forgot lets a repeat and a contradiction in while neither is stored: both are answered `202`, and their
//! receipts say what became of them.

use std::time::Duration;

use serde_json::{Value, json};
use tidegate_tests::stack::{RedisServer, Settings};
use tidegate_tests::{Plan, Target, Team, eventually, wire};

use crate::BINARY;
use crate::adding_up::{settled, total};
use crate::receipts::{asked, becomes, of};

/// The store, asked in the gate's place, may be busy with other tests.
const ANSWERS: Duration = Duration::from_secs(60);

async fn accepted(team: &Team, start: &Value) -> String {
    eventually(ANSWERS, "the start is taken in", async || match team.start(start).await {
        answer if answer.status == 503 => Err(answer.to_string()),
        answer => Ok(of(&answer.expect(202))),
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_tell_stored_duplicate_and_conflict_apart() {
    let redis = RedisServer::spawn().await;
    let settings = Settings { redis_url: Some(redis.url()), ..Settings::small() };
    let target = Target::on_the_stack(BINARY, &settings).await;
    let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
    assert!(target.servers().named("persist-0").stop().await);
    let run = team.run_id();
    let start = wire::start(&run, "first");
    let first = accepted(&team, &start).await;
    redis.flush().await;
    let again = accepted(&team, &start).await;
    redis.flush().await;
    let other = accepted(&team, &wire::with(start, "agent", json!("impostor"))).await;
    let waiting = [&first, &again, &other];
    for receipt in waiting {
        let told = asked(&team, receipt).await;
        assert_eq!((&told["state"], told.get("reason")), (&json!("queued"), None), "{told}");
    }

    target.servers().named("persist-0").start().await;
    becomes(&team, &first, "stored").await;
    let duplicate = becomes(&team, &again, "duplicate").await;
    let conflict = becomes(&team, &other, "conflict").await;
    for told in [&duplicate, &conflict] {
        assert_eq!(told["run"], json!(run));
        assert!(told["reason"].as_str().is_some_and(|reason| reason.contains("stored")), "{told}");
    }
    assert_eq!(team.stored_run(&run).await["agent"], "first");
    let view = settled(&target).await;
    let told = ["accepted", "stored", "duplicate", "conflict", "dead"].map(|member| total(&view, member));
    assert_eq!(told, [3, 1, 1, 1, 0], "{view}");
}
