//! What becomes of a lease where an organization, its decider, or a worker's connection is gone.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::json;
use tidegate_agentgate::views::{self, OpenShardRow};
use tidegate_agentgate::{OrgId, Owner, Refusal};
use tidegate_kernel::command::{CommandOutcome, ViewChange};
use tidegate_kernel::{Position, Timestamp};
use tidegate_ports::{ViewWrite, Views};
use tokio::net::TcpStream;

use crate::suite::{Client, Limited, another, eventually, one};
use crate::{World, WorldSettings};

/// Our choice: a worker learns that its run has ended, also where nothing of the run can be sealed any more.
#[tokio::test]
async fn a_worker_of_an_erased_organization_learns_that_its_run_has_ended() {
    let (world, org, client) = one().await;
    let (_, key) = world.worker_key(None).await;
    let fleet = Client::new(world.url(), &key);
    let run = client.run().await;
    let lease = fleet.post("/worker/v1/leases", &json!({ "worker": "a" })).await.expect(200).json();
    assert_eq!(lease["run"], json!(run));
    world.erase(&org).await;
    let verification = json!({ "level": "L1", "passed": false, "failures": ["one"] });
    let progress = json!({ "token": 1, "iterations": 1, "verification": verification });
    let answer = fleet.post(&format!("/worker/v1/runs/{run}/progress"), &progress).await.expect(200);
    assert_eq!(answer.json(), json!({ "cancelled": true }));
    let finish = json!({ "token": 1, "status": "succeeded", "iterations": 1, "prUrl": "https://example.com/1" });
    fleet.post(&format!("/worker/v1/runs/{run}/finish"), &finish).await.refused(409, "STALE_TOKEN");
}

/// A worker's connection that has asked for a lease.
async fn asking(world: &World, key: &str) -> TcpStream {
    let stream = TcpStream::connect(world.url().trim_start_matches("http://")).await.unwrap();
    let body = json!({ "worker": "a" }).to_string();
    let request = format!(
        "POST /worker/v1/leases HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.writable().await.unwrap();
    assert_eq!(stream.try_write(request.as_bytes()).unwrap(), request.len());
    stream
}

/// Our choice: a lease that is decided after its worker's connection broke is there when the worker asks again.
#[tokio::test]
async fn a_lease_waits_for_a_worker_whose_connection_broke() {
    let (world, org, client) = one().await;
    let (_, key) = world.worker_key(Some(&org)).await;
    let worker = Client::new(world.url(), &key);
    let run = client.run().await;
    let before = world.deciding.submitted.load(Ordering::SeqCst);
    let undecided = Arc::clone(&world.deciding.one_at_a_time).lock_owned().await;
    let stream = asking(&world, &key).await;
    eventually("the lease is asked for", async || world.deciding.submitted.load(Ordering::SeqCst) > before).await;
    stream.set_zero_linger().unwrap();
    drop(stream);
    // The reset comes before these requests, and the front door has seen it when they are answered.
    for _ in 0..3 {
        client.get("/v1/runs").await.expect(200);
    }
    drop(undecided);
    let path = format!("/v1/runs/{run}");
    eventually("the run is leased", async || client.get(&path).await.json()["status"] == "running").await;
    let lease = worker.post("/worker/v1/leases", &json!({ "worker": "a" })).await.expect(200).json();
    assert_eq!(lease["run"], json!(run));
}

/// Our choice: an organization whose commands are not decided keeps no worker of the fleet from the runs of others.
#[tokio::test]
async fn a_halted_organization_keeps_no_worker_from_others() {
    let (world, halted, client) = one().await;
    let (_, other) = another(&world, Limited::default()).await;
    let (_, key) = world.worker_key(None).await;
    let fleet = Client::new(world.url(), &key);
    client.run().await;
    let run = other.run().await;
    *world.deciding.sheds.lock().unwrap() = OrgId::parse(&halted).map(Owner::Org);
    let asks = json!({ "worker": "a" });
    let lease = fleet.post("/worker/v1/leases", &asks).await.expect(200).json();
    assert_eq!(lease["run"], json!(run), "the newer one, of the other organization");
    // Where nobody else has one it says why there is none.
    fleet.post("/worker/v1/leases", &json!({ "worker": "b" })).await.refused(503, "SERVICE_UNAVAILABLE");
}

/// A row of a queue that has no run.
async fn put_stale_row(world: &World, org: &str) {
    let oldest_at_ms = Timestamp::from_millis(1_790_000_000_000);
    let row = OpenShardRow { oldest: views::queue_shard(oldest_at_ms), oldest_at_ms, queued: 1 };
    let doc = Some(serde_json::to_vec(&row).unwrap());
    let change = ViewChange { key: views::open_shard(OrgId::parse(org).unwrap()), doc };
    // Below every decision of a run.
    let position = Position { generation: 1, partition: 0, offset: 0 };
    world.deciding.views.put(Arc::new(vec![ViewWrite { change, position }])).await.unwrap();
}

/// Our choice: a row of a queue that has no run has no worker append a lease with every look, and a run that is queued
/// meanwhile waits for nothing.
#[tokio::test]
async fn a_stale_row_of_a_queue_is_asked_about_once_in_ten_seconds() {
    let (world, org, client) = one().await;
    let (_, key) = world.worker_key(Some(&org)).await;
    let worker = Client::new(world.url(), &key);
    put_stale_row(&world, &org).await;
    let (before, began) = (world.deciding.submitted.load(Ordering::SeqCst), Instant::now());
    let asks = json!({ "worker": "a", "waitSeconds": 1 });
    assert_eq!(worker.post("/worker/v1/leases", &asks).await.expect(200).json(), json!({}));
    let asked = world.deciding.submitted.load(Ordering::SeqCst) - before;
    let most = 1 + began.elapsed().as_secs() / 10;
    assert!(asked >= 1 && asked as u64 <= most, "{asked} leases in {:?}", began.elapsed());
    let run = client.run().await;
    let lease = worker.post("/worker/v1/leases", &asks).await.expect(200).json();
    assert_eq!(lease["run"], json!(run));
}

/// Our choice: a row rests from when the lease by it was asked for, since it may come back while that is decided.
#[tokio::test]
async fn a_row_has_rested_after_a_decision_that_takes_longer_than_its_rest() {
    let mut settings = WorldSettings::default();
    settings.config.lease = Duration::from_millis(200);
    let rest = settings.config.lease / 2;
    let world = World::with(settings).await;
    let (org, _) = another(&world, Limited::default()).await;
    let (_, key) = world.worker_key(Some(&org)).await;
    let worker = Client::new(world.url(), &key);
    put_stale_row(&world, &org).await;
    let before = world.deciding.submitted.load(Ordering::SeqCst);
    let undecided = Arc::clone(&world.deciding.one_at_a_time).lock_owned().await;
    let first = worker.clone();
    let asking = tokio::spawn(async move { first.post("/worker/v1/leases", &json!({ "worker": "a" })).await });
    eventually("the lease is asked for", async || world.deciding.submitted.load(Ordering::SeqCst) > before).await;
    let began = Instant::now();
    eventually("the rest is over", async || began.elapsed() >= rest).await;
    drop(undecided);
    assert_eq!(asking.await.unwrap().expect(200).json(), json!({}));
    assert_eq!(worker.post("/worker/v1/leases", &json!({ "worker": "a" })).await.expect(200).json(), json!({}));
    assert_eq!(world.deciding.submitted.load(Ordering::SeqCst) - before, 2, "the second worker's lease is asked for");
}

/// Our choice: while leases are refused, a row has no worker append a lease with every look.
#[tokio::test]
async fn a_row_whose_leases_are_refused_is_asked_about_once_in_a_second() {
    let (world, org, _) = one().await;
    let (_, key) = world.worker_key(Some(&org)).await;
    let worker = Client::new(world.url(), &key);
    put_stale_row(&world, &org).await;
    *world.deciding.outcome.lock().unwrap() = Some(CommandOutcome::Refused(Refusal::Suspended {}));
    let (before, began) = (world.deciding.submitted.load(Ordering::SeqCst), Instant::now());
    let asks = json!({ "worker": "a", "waitSeconds": 2 });
    assert_eq!(worker.post("/worker/v1/leases", &asks).await.expect(200).json(), json!({}));
    let asked = world.deciding.submitted.load(Ordering::SeqCst) - before;
    let most = 1 + began.elapsed().as_secs();
    assert!(asked >= 1 && asked as u64 <= most, "{asked} leases in {:?}", began.elapsed());
}

/// Our choice: a lease that is refused says nothing of its queue. Once leases are granted, a worker that waits gets the
/// run within the short rest of a refused row.
#[tokio::test]
async fn a_row_does_not_rest_for_long_after_a_refusal() {
    let (world, org, client) = one().await;
    let (_, key) = world.worker_key(Some(&org)).await;
    let worker = Client::new(world.url(), &key);
    let run = client.run().await;
    let asks = |seconds: u32| json!({ "worker": "a", "waitSeconds": seconds });
    *world.deciding.outcome.lock().unwrap() = Some(CommandOutcome::Refused(Refusal::Suspended {}));
    assert_eq!(worker.post("/worker/v1/leases", &asks(0)).await.expect(200).json(), json!({}));
    *world.deciding.outcome.lock().unwrap() = None;
    let lease = worker.post("/worker/v1/leases", &asks(5)).await.expect(200).json();
    assert_eq!(lease["run"], json!(run));
}
