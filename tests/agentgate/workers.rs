//! The worker API: ours, and outside the contract.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Client, Limited, another, git_order, one, worker};
use crate::World;

async fn lease(worker: &Client, name: &str) -> Value {
    worker.post("/worker/v1/leases", &json!({ "worker": name })).await.expect(200).json()
}

/// Runs, one after another: of one millisecond none is the older one.
async fn in_turn(clients: [&Client; 3]) -> Vec<String> {
    let mut runs = Vec::new();
    for client in clients {
        runs.push(client.run().await);
        let made = Instant::now();
        while made.elapsed() < Duration::from_millis(1) {
            tokio::task::yield_now().await;
        }
    }
    runs
}

/// Our choice: queued runs come oldest first; a worker that asks again before its first report gets the same.
#[tokio::test]
async fn queued_runs_come_oldest_first() {
    let (world, org, client) = one().await;
    let worker = worker(&world, &org).await;
    assert_eq!(lease(&worker, "a").await, json!({}));
    let runs = in_turn([&client, &client, &client]).await;
    let first = lease(&worker, "a").await;
    assert_eq!((&first["run"], &first["token"]), (&json!(runs[0]), &json!(1)));
    assert_eq!(lease(&worker, "a").await, first);
    assert_eq!(lease(&worker, "b").await["run"], runs[1].as_str());
    worker
        .post(&format!("/worker/v1/runs/{}/progress", runs[0]), &json!({ "token": 1, "iterations": 0 }))
        .await
        .expect(200);
    assert_eq!(lease(&worker, "a").await["run"], runs[2].as_str());
}

/// Our choice: a lease waits for a run.
#[tokio::test]
async fn a_lease_waits_for_a_run() {
    let (world, org, client) = one().await;
    let worker = worker(&world, &org).await;
    let waiting = tokio::spawn(async move {
        worker.post("/worker/v1/leases", &json!({ "worker": "a", "waitSeconds": 30 })).await.expect(200).json()
    });
    let run = client.run().await;
    assert_eq!(waiting.await.unwrap()["run"], run.as_str());
}

/// Our choice: a worker of the fleet serves every organization, the oldest run first; another organization's worker serves
/// none of them.
#[tokio::test]
async fn the_fleet_serves_every_organization() {
    // Runs of other tests would be leased, too.
    let world = World::alone().await;
    let (_, client) = another(&world, Limited::default()).await;
    let (other_org, other) = another(&world, Limited::default()).await;
    let (_, key) = world.worker_key(None).await;
    let fleet = Client::new(world.url(), &key);
    for number in 0.. {
        if lease(&fleet, &format!("of what others left, {number}")).await.get("run").is_none() {
            break;
        }
    }
    let runs = in_turn([&other, &client, &other]).await;
    for run in &runs {
        assert_eq!(lease(&fleet, run).await["run"], run.as_str());
    }
    let stranger = worker(&world, &other_org).await;
    let finish = json!({ "token": 1, "status": "succeeded", "iterations": 1 });
    for call in ["progress", "finish"] {
        let path = format!("/worker/v1/runs/{}/{call}", runs[1]);
        assert_eq!(stranger.post(&path, &finish).await.refused(404, "RUN_NOT_FOUND")["runId"], runs[1].as_str());
    }
    fleet.post(&format!("/worker/v1/runs/{}/finish", runs[1]), &finish).await.expect(200);
}

/// Our choice: a client's cancel reaches the worker with its next report.
#[tokio::test]
async fn a_cancel_reaches_the_worker() {
    let (world, org, client) = one().await;
    let worker = worker(&world, &org).await;
    let run = client.run().await;
    let token = lease(&worker, "a").await["token"].clone();
    client.post(&format!("/v1/runs/{run}/cancel"), &json!({})).await.expect(200);
    let progress = json!({ "token": token, "iterations": 1 });
    let answer = worker.post(&format!("/worker/v1/runs/{run}/progress"), &progress).await.expect(200);
    assert_eq!(answer.json()["cancelled"], true);
    let finish = json!({ "token": token, "status": "succeeded", "iterations": 1 });
    worker.post(&format!("/worker/v1/runs/{run}/finish"), &finish).await.refused(409, "STALE_TOKEN");
}

/// Our choice: keys of workers and clients do not open each other's doors, and faults have one code.
#[tokio::test]
async fn workers_have_codes_of_their_own() {
    let (world, org, client) = one().await;
    let worker = worker(&world, &org).await;
    let body = json!({ "worker": "a" });
    client.post("/worker/v1/leases", &body).await.refused(401, "INVALID_WORKER_KEY");
    Client::without_key(world.url()).post("/worker/v1/leases", &body).await.refused(401, "INVALID_WORKER_KEY");
    worker.submit(&git_order()).await.refused(401, "INVALID_API_KEY");
    let (id, key) = world.worker_key(Some(&org)).await;
    world.revoke(&org, &id).await;
    Client::new(world.url(), &key).post("/worker/v1/leases", &body).await.refused(401, "INVALID_WORKER_KEY");
    for body in [
        json!({}),
        json!({ "worker": "" }),
        json!({ "worker": 1 }),
        json!([]),
        json!({ "worker": "a", "waitSeconds": "x" }),
    ] {
        worker.post("/worker/v1/leases", &body).await.refused(400, "INVALID_REQUEST");
    }
    worker.post("/worker/v1/runs/run_x/progress", &json!({ "token": 1 })).await.refused(404, "RUN_NOT_FOUND");
    let run = client.run().await;
    let token = lease(&worker, "a").await["token"].clone();
    assert_eq!(token, 1);
    for body in [
        json!({}),
        json!({ "token": "1" }),
        json!({ "token": 1, "iterations": -1 }),
        json!({ "token": 1, "status": "done" }),
        json!({ "token": 1, "status": "failed", "error": { "code": "CANCELLED" } }),
    ] {
        let path = format!("/worker/v1/runs/{run}/finish");
        worker.post(&path, &body).await.refused(400, "INVALID_REQUEST");
    }
    let stale = json!({ "token": 2, "iterations": 0 });
    worker.post(&format!("/worker/v1/runs/{run}/progress"), &stale).await.refused(409, "STALE_TOKEN");
    worker.get("/worker/v1/nothing").await.refused(404, "RESOURCE_NOT_FOUND");
}

/// Our choice: the work order reaches the worker unchanged.
#[tokio::test]
async fn the_work_order_reaches_the_worker_unchanged() {
    let (world, org, client) = one().await;
    let worker = worker(&world, &org).await;
    let order = json!({
        "taskPrompt": "Prüfe die Übersetzung ✓",
        "workspaceSource": { "type": "template", "templateId": "python-flask", "variables": { "a": 1 } },
        "maxIterations": 3,
        "gatePlan": { "levels": ["L0"], "custom": { "x": 1e3 } },
        "tenantContext": { "tenantId": "t", "metadata": { "deep": [[{}]] } },
        "metadata": { "n": 12345678901234567890_u64 },
    });
    client.submit(&order).await.expect(201);
    let leased = lease(&worker, "a").await["workOrder"].clone();
    for (name, value) in order.as_object().unwrap() {
        assert_eq!(leased[name], *value, "{name}");
    }
}
