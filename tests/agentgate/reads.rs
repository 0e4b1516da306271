//! A run from its beginning to its end, as its client and its worker see it.

use serde_json::json;

use super::runs::read;
use super::submitting::is_time;
use super::{git_order, one, worker};

/// AG-11, AG-37: a run is leased, reports progress, succeeds, and is charged for its iterations.
#[tokio::test]
async fn a_run_is_worked_on_and_charged() {
    let (world, org, client) = one().await;
    let worker = worker(&world, &org).await;
    let mut order = git_order();
    order["maxIterations"] = json!(4);
    order["tenantContext"] = json!({ "tenantId": "t-1" });
    let run = client.submit(&order).await.expect(201).json()["runId"].as_str().unwrap().to_owned();
    let lease =
        worker.post("/worker/v1/leases", &json!({ "worker": "w-1", "waitSeconds": 5 })).await.expect(200).json();
    assert_eq!((&lease["run"], &lease["token"]), (&json!(run), &json!(1)));
    assert!(is_time(&lease["expiresAt"]), "{lease}");
    assert_eq!(lease["workOrder"]["taskPrompt"], order["taskPrompt"]);
    assert_eq!(lease["workOrder"]["workspaceSource"], order["workspaceSource"]);
    assert_eq!(lease["workOrder"]["tenantContext"], order["tenantContext"]);
    assert_eq!(lease["workOrder"]["maxIterations"], 4);
    let progress = json!({ "token": 1, "iterations": 1 });
    let answer = worker.post(&format!("/worker/v1/runs/{run}/progress"), &progress).await.expect(200).json();
    assert_eq!(answer["cancelled"], false);
    let running = read(&client, &run).await;
    assert_eq!((&running["status"], &running["iterations"]), (&json!("running"), &json!(1)));
    assert!(is_time(&running["timing"]["startedAt"]) && running["timing"].get("completedAt").is_none(), "{running}");
    let finish =
        json!({ "token": 1, "status": "succeeded", "iterations": 3, "prUrl": "https://github.com/example/app/pull/1" });
    let path = format!("/worker/v1/runs/{run}/finish");
    worker.post(&path, &finish).await.expect(200);
    worker.post(&path, &finish).await.expect(200);
    let ended = read(&client, &run).await;
    assert_eq!((&ended["status"], &ended["iterations"]), (&json!("succeeded"), &json!(3)));
    assert_eq!((&ended["cost"]["credits"], &ended["prUrl"]), (&json!(150), &finish["prUrl"]));
    assert_eq!(ended["tenantContext"], order["tenantContext"]);
    assert!(is_time(&ended["timing"]["completedAt"]) && ended["timing"]["durationMs"].is_u64(), "{ended}");
    assert!(ended.get("error").is_none(), "{ended}");
    assert_eq!(client.get("/v1/credits").await.json()["totalCreditsCents"], 9_850);
}
