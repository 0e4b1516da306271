//! Leases of a second, at a front door that is started with them: the deciders take the time from the log.

use serde_json::json;
use tidegate_tests::ids;
use tidegate_tests::servers::Server;

use crate::World;
use crate::clients::{clients, insist};
use crate::suite::{Client, eventually, git_order};

async fn started_with(server: &Server, variables: &[(&str, &str)]) {
    server.kill();
    server.arm(variables);
    server.start().await;
}

/// Our choice: after its third lapse a run fails by itself, though no command comes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_fails_by_itself_after_its_third_lapse() {
    let world = World::alone().await;
    let server = world.target().servers().named("agentgate-0");
    started_with(server, &[("TIDEGATE_AGENTGATE__LEASE_S", "1")]).await;
    let (org, doors) = clients(&world).await;
    let (_, key) = world.worker_key(Some(&org)).await;
    let worker = Client::new(&world.urls()[0], &key);
    let made = insist(&doors[1..], 0, &ids::nonce(), &git_order()).await;
    let run = made["runId"].as_str().unwrap();
    let path = format!("/v1/runs/{run}");
    let mut token = 0;
    // A grant whose answer came too late lapses unseen, and the run may have failed by then.
    eventually("the run is leased for the third time, or has failed", async || {
        let asks = json!({ "worker": format!("worker {token}"), "waitSeconds": 30 });
        let answer = worker.post("/worker/v1/leases", &asks).await;
        if !answer.status.is_server_error() {
            let lease = answer.expect(200).json();
            token = lease["token"].as_i64().unwrap_or(token);
        }
        if token == 3 {
            return true;
        }
        let seen = doors[1].get(&path).await;
        seen.status.is_success() && seen.json()["status"] == "failed"
    })
    .await;
    // A read appends nothing.
    let read = async || doors[1].get(&path).await.expect(200).json();
    eventually("the run has failed", async || read().await["status"] == "failed").await;
    let run = read().await;
    assert_eq!((&run["error"]["code"], &run["cost"]["credits"]), (&json!("EXECUTION_TIMEOUT"), &json!(0)), "{run}");
    started_with(server, &[]).await;
}
