//! Runs: how they are read, how they end, and what is never changed.

use reqwest::Method;
use serde_json::{Value, json};

use super::submitting::is_time;
use super::{Client, one, worker};

async fn cancel(client: &Client, run: &str) -> super::Answer {
    client.send(Method::POST, &format!("/v1/runs/{run}/cancel"), &[], None).await
}

pub async fn read(client: &Client, run: &str) -> Value {
    client.get(&format!("/v1/runs/{run}")).await.expect(200).json()
}

/// AG-33: a pending and a running run can be cancelled.
#[tokio::test]
async fn an_open_run_can_be_cancelled() {
    let (world, org, client) = one().await;
    let worker = worker(&world, &org).await;
    for starts in [false, true] {
        let run = client.run().await;
        if starts {
            worker.post("/worker/v1/leases", &json!({ "worker": "w" })).await.expect(200);
            assert_eq!(read(&client, &run).await["status"], "running");
        }
        let body = cancel(&client, &run).await.expect(200).json();
        assert_eq!((&body["id"], &body["status"]), (&json!(run), &json!("cancelled")));
        assert!(is_time(&body["cancelledAt"]), "{body}");
        let run = read(&client, &run).await;
        assert_eq!((&run["status"], &run["error"]["code"]), (&json!("cancelled"), &json!("CANCELLED")));
    }
}

/// AG-34, AG-35: a run that has ended cannot be cancelled and never changes.
#[tokio::test]
async fn a_run_that_has_ended_never_changes() {
    let (world, org, client) = one().await;
    let worker = worker(&world, &org).await;
    for status in ["succeeded", "failed", "cancelled"] {
        let run = client.run().await;
        let lease = worker.post("/worker/v1/leases", &json!({ "worker": status })).await.expect(200).json();
        let path = format!("/worker/v1/runs/{run}/finish");
        let finish = json!({ "token": lease["token"], "status": status, "iterations": 2 });
        match status {
            "cancelled" => cancel(&client, &run).await.expect(200),
            _ => worker.post(&path, &finish).await.expect(200),
        };
        let before = read(&client, &run).await;
        assert_eq!(before["status"], status);
        let details = cancel(&client, &run).await.refused(400, "INVALID_REQUEST");
        assert_eq!(details, json!({ "runId": run, "status": status }));
        let other = json!({ "token": lease["token"], "status": "failed", "iterations": 9 });
        worker.post(&path, &other).await.refused(409, "STALE_TOKEN");
        assert_eq!(read(&client, &run).await, before);
    }
}

/// AG-43: the codes of failed runs stand in run objects, with what the worker said.
#[tokio::test]
async fn a_failed_run_says_why() {
    let (world, org, client) = one().await;
    let worker = worker(&world, &org).await;
    for code in ["MAX_ITERATIONS_REACHED", "VERIFICATION_FAILED", "WORKSPACE_ERROR", "EXECUTION_TIMEOUT"] {
        let run = client.run().await;
        let lease = worker.post("/worker/v1/leases", &json!({ "worker": code })).await.expect(200).json();
        let verification = json!({ "level": "L1", "passed": false, "failures": ["test_a"] });
        let progress = json!({ "token": lease["token"], "iterations": 3, "verification": verification });
        worker.post(&format!("/worker/v1/runs/{run}/progress"), &progress).await.expect(200);
        let finish = json!({
            "token": lease["token"], "status": "failed", "iterations": 3, "error": { "code": code, "message": "It broke." },
        });
        worker.post(&format!("/worker/v1/runs/{run}/finish"), &finish).await.expect(200);
        let run = read(&client, &run).await;
        assert_eq!((&run["status"], &run["iterations"]), (&json!("failed"), &json!(3)));
        assert_eq!((&run["error"]["code"], &run["error"]["message"]), (&json!(code), &json!("It broke.")));
        if code == "MAX_ITERATIONS_REACHED" {
            let expected = json!({ "iterations": 3, "lastVerificationResult": verification });
            assert_eq!(run["error"]["details"], expected);
        }
    }
}
