//! The refusals that no request brings about by itself: something must be full, late, or broken.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_agentgate::Refusal;
use tidegate_kernel::command::CommandOutcome;

use crate::suite::{Answer, Client, Limited, another, eventually, git_order, one, worker};
use crate::{World, WorldSettings};

/// Refused as ours, to be tried again, in these words.
#[track_caller]
fn unavailable(answer: Answer, message: &str) {
    assert_eq!(answer.header("retry-after"), Some("1"), "{answer}");
    assert_eq!(answer.json()["error"]["message"], message, "{answer}");
    let details = answer.refused(503, "SERVICE_UNAVAILABLE");
    assert!(details["requestId"].is_string(), "{details}");
}

async fn with(change: impl FnOnce(&mut WorldSettings)) -> (World, String, Client) {
    let mut settings = WorldSettings::default();
    change(&mut settings);
    let world = World::with(settings).await;
    let (org, client) = another(&world, Limited::default()).await;
    (world, org, client)
}

/// Our choice: a body that does not fit with those in progress is not read.
#[tokio::test]
async fn too_many_bytes_are_under_way() {
    let (_world, _, client) = with(|settings| settings.config.body_bytes = 64).await;
    unavailable(client.submit(&git_order()).await, "Too many bytes of requests are under way. Retry later.");
    client.get("/v1/runs").await.expect(200);
}

/// Our choice: a worker that waits for a run is a request under way, too.
#[tokio::test]
async fn too_many_requests_are_under_way() {
    let (world, org, client) = with(|settings| settings.config.max_in_flight = 1).await;
    let worker = worker(&world, &org).await;
    let waits = json!({ "worker": "a", "waitSeconds": 30 });
    tokio::spawn(async move { worker.post("/worker/v1/leases", &waits).await });
    eventually("the worker waits", async || client.get("/v1/runs").await.status == 503).await;
    unavailable(client.get("/v1/runs").await, "Too many requests are under way. Retry later.");
}

/// Our choice: a list is not read while the answers under way fill the bytes for answers.
#[tokio::test]
async fn too_many_answers_are_under_way() {
    let (world, _, client) = with(|settings| {
        settings.config.answer_bytes = 1 << 20;
        settings.config.store_deadline = Duration::from_secs(600);
    })
    .await;
    world.store.hangs.send_replace(true);
    let first = client.clone();
    let hanging = tokio::spawn(async move { first.get("/v1/runs").await });
    eventually("one answer is under way", async || world.store.hanging.load(Ordering::SeqCst) > 0).await;
    unavailable(client.get("/v1/runs").await, "Too many answers are under way. Retry later.");
    world.store.hangs.send_replace(false);
    hanging.await.unwrap().expect(200);
    client.get("/v1/runs").await.expect(200);
}

/// Our choice: a read is given up at the store's deadline.
#[tokio::test]
async fn a_store_that_hangs_is_given_up() {
    let (world, _, client) = with(|settings| settings.config.store_deadline = Duration::from_millis(50)).await;
    world.store.hangs.send_replace(true);
    client.get("/v1/runs").await.refused(503, "SERVICE_UNAVAILABLE");
    world.store.hangs.send_replace(false);
}

/// Our choice: what was made from something that changes again and again is given up; what came too late, too.
#[tokio::test]
async fn what_others_change_and_what_comes_late_is_to_be_tried_again() {
    let (world, _, client) = one().await;
    for (outcome, message) in [
        (CommandOutcome::Refused(Refusal::Stale {}), "Others change the same right now. Retry later."),
        (CommandOutcome::Expired, "The request came too late to be carried out. Retry."),
    ] {
        *world.deciding.outcome.lock().unwrap() = Some(outcome);
        unavailable(client.submit(&git_order()).await, message);
    }
    *world.deciding.outcome.lock().unwrap() = None;
    client.run().await;
}

/// Our choice: a handler that panics answers as every failure of ours does, and the next request is served.
#[tokio::test]
async fn a_panic_is_a_failure_of_ours() {
    let (world, _, client) = one().await;
    world.store.panics.store(true, Ordering::SeqCst);
    let answer = client.get("/v1/runs").await;
    assert!(!answer.text().contains("secret-internals"), "{answer}");
    let id = answer.header("x-request-id").map(str::to_owned);
    assert_eq!(answer.refused(500, "INTERNAL_ERROR"), json!({ "requestId": id }));
    world.store.panics.store(false, Ordering::SeqCst);
    assert_eq!(client.get("/v1/runs").await.expect(200).json()["data"], Value::Array(Vec::new()));
}
