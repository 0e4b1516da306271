//! `orgs erase`: nothing of the organization is left that anybody can use or read, and others go on.

use serde_json::{Value, json};
use tidegate_tests::receiver::{Receiver, Reply};

use crate::World;
use crate::suite::{Client, Limited, another, eventually, git_order, one, worker};

async fn refused(world: &World, words: &[&str]) {
    let (done, out, err) = world.target().try_manage(&[&["agentgate"], words].concat()).await;
    assert!(!done && out.is_empty() && err.contains("was erased"), "{words:?}: {out} {err}");
}

async fn leased(worker: &Client) -> Value {
    worker.post("/worker/v1/leases", &json!({ "worker": "w" })).await.expect(200).json()
}

/// Our choice: whoever had a key is refused, open runs are cancelled and charged as any cancelled run, and credits stay.
#[tokio::test]
async fn nobody_can_use_an_erased_organization() {
    let (world, org, client) = one().await;
    let worker = worker(&world, &org).await;
    let started = client.run().await;
    let lease = leased(&worker).await;
    assert_eq!(lease["run"], started);
    let progress = json!({ "token": lease["token"], "iterations": 2 });
    worker.post(&format!("/worker/v1/runs/{started}/progress"), &progress).await.expect(200);
    client.run().await;

    let erased = world.operate(&["orgs", "erase", &org]).await;
    assert_eq!(
        (&erased["organization"], &erased["status"], &erased["name"]),
        (&json!(org), &json!("erased"), &json!(""))
    );
    assert_eq!(
        (&erased["openRuns"], &erased["heldCents"], &erased["includedCents"]),
        (&json!(0), &json!(0), &json!(9_900))
    );
    eventually("the client's key is refused", async || client.get("/v1/runs").await.status == 401).await;
    client.submit(&git_order()).await.refused(401, "EXPIRED_API_KEY");
    let asks = json!({ "worker": "w" });
    eventually("the worker's key is refused", async || worker.post("/worker/v1/leases", &asks).await.status == 401)
        .await;
    let keys = world.operate(&["keys", "list", "--org", &org]).await;
    assert!(keys.as_array().unwrap().iter().all(|key| key["revokedAt"].is_string()), "{keys}");

    for words in [
        &["orgs", "resume", &org][..],
        &["orgs", "suspend", &org],
        &["orgs", "credit", &org, "--cents", "5"],
        &["orgs", "set", &org, "--concurrency", "3"],
        &["orgs", "webhook-secret", &org],
        &["keys", "create", "--org", &org, "--scopes", "*"],
        &["worker-keys", "create", "--org", &org],
    ] {
        refused(&world, words).await;
    }
    // The same again is what an operator repeats whose command was broken off.
    assert_eq!(world.operate(&["orgs", "erase", &org]).await, erased);
    assert_eq!(world.operate(&["orgs", "show", &org]).await, erased);
    let all = world.operate(&["orgs", "list"]).await;
    assert!(all.as_array().unwrap().contains(&erased), "{all}");
    let (_, other) = another(&world, Limited::default()).await;
    other.submit(&git_order()).await.expect(201);
}

/// Our choice: what was decided for receivers and is not sent yet is dropped, at once.
#[tokio::test]
async fn nothing_of_an_erased_organization_is_sent() {
    let (receiver, (world, org, client)) = (Receiver::start().await, one().await);
    receiver.always("/hook", Reply::Status(503));
    receiver.always("/order", Reply::Status(503));
    let hook = json!({ "url": receiver.url("/hook"), "events": ["run.created", "run.cancelled"] });
    client.post("/v1/webhooks", &hook).await.expect(201);
    let mut order = git_order();
    order["webhookUrl"] = json!(receiver.url("/order"));
    let run = client.submit(&order).await.expect(201).json()["runId"].as_str().unwrap().to_owned();
    client.post(&format!("/v1/runs/{run}/cancel"), &json!({})).await.expect(200);
    receiver.wait_for("/hook", 2).await;
    receiver.wait_for("/order", 1).await;
    client.submit(&order).await.expect(201);
    receiver.wait_for("/hook", 3).await;

    world.operate(&["orgs", "erase", &org]).await;
    let mut all = Value::Null;
    eventually("every message is dropped", async || {
        all = world.operate(&["deliveries", "--org", &org, "--sent"]).await;
        all.as_array().unwrap().iter().all(|one| one["state"] == "dropped")
    })
    .await;
    // run.created twice and run.cancelled once to the webhook, run.cancelled of both runs to the order's URL.
    assert_eq!(all.as_array().unwrap().len(), 5, "{all}");
    assert!(all.as_array().unwrap().iter().all(|one| one["last"] == "the organization was erased"), "{all}");
}
