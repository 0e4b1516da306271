//! Receivers of webhooks: what they are sent, and what they cannot do to others. Our choice where the documentation is silent
//! (the shapes, the signature, the retries).

use std::collections::BTreeSet;

use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tidegate_tests::receiver::{Received, Receiver, Reply};

use crate::World;
use crate::suite::{Client, Limited, another, eventually, git_order, one, worker};

const ALL: [&str; 8] = [
    "run.created",
    "run.started",
    "run.completed",
    "run.failed",
    "run.cancelled",
    "verification.started",
    "verification.passed",
    "verification.failed",
];

/// A webhook: its id and its secret.
async fn webhook(client: &Client, url: &str, events: &[&str]) -> (String, String) {
    let body = json!({ "url": url, "events": events, "headers": { "X-Team": "a" } });
    let made = client.post("/v1/webhooks", &body).await.expect(201).json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&made["webhook"]["id"]), text(&made["secret"]))
}

fn is_signed(received: &Received, secret: &str) -> bool {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(&received.body);
    let digits: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    received.headers["x-agentgate-signature"] == format!("sha256={digits}")
}

async fn lease(worker: &Client, run: &str) -> Value {
    let lease = worker.post("/worker/v1/leases", &json!({ "worker": run })).await.expect(200).json();
    assert_eq!(lease["run"], run);
    lease["token"].clone()
}

async fn deliveries(world: &World, org: &str) -> Vec<Value> {
    world.operate(&["deliveries", "--org", org, "--sent"]).await.as_array().unwrap().clone()
}

/// Waits until the one delivery to a webhook has a state, and returns it.
async fn delivery(world: &World, org: &str, to: &str, state: &str) -> Value {
    let mut found = Value::Null;
    eventually(&format!("a delivery that is {state}"), async || {
        let all = deliveries(world, org).await;
        found = all.into_iter().find(|one| one["to"] == to && one["state"] == state).unwrap_or_default();
        !found.is_null()
    })
    .await;
    found
}

/// Waits until so many events came to a path, and returns each once: one that is answered too late is sent again.
async fn events(receiver: &Receiver, path: &str, count: usize) -> Vec<Received> {
    let mut found = Vec::new();
    eventually(&format!("{count} events at {path}"), async || {
        let mut ids = BTreeSet::new();
        found = receiver.received(path);
        found.retain(|one| ids.insert(one.id()));
        found.len() >= count
    })
    .await;
    found
}

/// AG-21, AG-38, and our choice of the rest: each of the eight events of a run's life is sent once, signed with the webhook's
/// secret, with the tenant context as it was sent.
#[tokio::test]
async fn a_runs_life_is_sent_event_by_event() {
    let (receiver, (world, org, client)) = (Receiver::start().await, one().await);
    let worker = worker(&world, &org).await;
    let (_, secret) = webhook(&client, &receiver.url("/life?a=b"), &ALL).await;
    let (tenant, mut order) = (json!({ "tenantId": "t", "tenantUserId": "u", "metadata": { "a": [1] } }), git_order());
    order["tenantContext"] = tenant.clone();
    let mut seen = 0;
    // What comes next, whatever comes first of it; the last of these in the order of their names.
    let mut sent = async |kinds: &[&str]| {
        let all = events(&receiver, "/life?a=b", seen + kinds.len()).await;
        let mut new = all[seen..].to_vec();
        new.sort_by_key(Received::kind);
        assert_eq!(new.iter().map(Received::kind).collect::<Vec<_>>(), kinds);
        seen += kinds.len();
        new.pop().unwrap()
    };

    let run = client.submit(&order).await.expect(201).json()["runId"].as_str().unwrap().to_owned();
    let created = sent(&["run.created"]).await;
    let token = lease(&worker, &run).await;
    sent(&["run.started"]).await;
    let progress = format!("/worker/v1/runs/{run}/progress");
    for (passed, kinds) in [
        (false, ["verification.failed", "verification.started"]),
        (true, ["verification.passed", "verification.started"]),
    ] {
        let verification = json!({ "level": if passed { "L2" } else { "L1" }, "passed": passed });
        let body = json!({ "token": token, "iterations": 1, "verification": verification });
        worker.post(&progress, &body).await.expect(200);
        sent(&kinds).await;
    }
    let end = json!({ "token": token, "status": "succeeded", "iterations": 2, "prUrl": "https://example.com/1" });
    worker.post(&format!("/worker/v1/runs/{run}/finish"), &end).await.expect(200);
    let completed = sent(&["run.completed"]).await;

    let body = completed.json();
    assert_eq!(body["data"]["run"], client.get(&format!("/v1/runs/{run}")).await.json());
    assert_eq!(body["data"]["tenantContext"], tenant);
    assert_eq!(body.as_object().unwrap().keys().collect::<Vec<_>>(), ["createdAt", "data", "id", "type"]);
    assert!(completed.id().starts_with("evt_"));
    let body = created.json();
    assert_eq!((&body["data"]["run"]["status"], &body["data"]["run"]["id"]), (&json!("pending"), &json!(run)));
    for one in [&created, &completed] {
        assert!(is_signed(one, &secret));
        assert_eq!((one.headers["x-team"].as_str(), one.headers["x-agentgate-event"].as_str()), ("a", &*one.kind()));
        assert_eq!(one.headers["content-type"], "application/json");
    }

    let failing = client.run().await;
    sent(&["run.created"]).await;
    let token = lease(&worker, &failing).await;
    sent(&["run.started"]).await;
    let end = json!({ "token": token, "status": "failed", "iterations": 1, "error": { "code": "WORKSPACE_ERROR" } });
    worker.post(&format!("/worker/v1/runs/{failing}/finish"), &end).await.expect(200);
    assert_eq!(sent(&["run.failed"]).await.json()["data"]["run"]["error"]["code"], "WORKSPACE_ERROR");
    let cancelled = client.run().await;
    sent(&["run.created"]).await;
    client.post(&format!("/v1/runs/{cancelled}/cancel"), &json!({})).await.expect(200);
    let last = sent(&["run.cancelled"]).await;
    assert_eq!(last.json()["data"]["tenantContext"], Value::Null);
    // A secret is nowhere in what operators see.
    let shown = Value::from(deliveries(&world, &org).await).to_string();
    assert!(!shown.contains("whsec_") && !shown.contains("/life"), "{shown}");
}

/// Our choice: the `webhookUrl` of a submission gets the run's end, signed with a secret of the organization.
#[tokio::test]
async fn a_submissions_own_url_gets_the_runs_end() {
    let (receiver, (world, org, client)) = (Receiver::start().await, one().await);
    let mut order = git_order();
    order["webhookUrl"] = json!(receiver.url("/order"));
    let run = client.submit(&order).await.expect(201).json()["runId"].as_str().unwrap().to_owned();
    client.post(&format!("/v1/runs/{run}/cancel"), &json!({})).await.expect(200);
    let all = receiver.wait_for("/order", 1).await;
    assert_eq!((all.len(), all[0].kind().as_str()), (1, "run.cancelled"));
    let secret = world.operate(&["orgs", "webhook-secret", &org]).await["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("whsec_") && is_signed(&all[0], &secret));
}

/// Our choice: what fails is sent again, after five seconds first, with the same id and the same body.
#[tokio::test]
async fn what_fails_is_sent_again_with_the_same_id() {
    let (receiver, (world, org, client)) = (Receiver::start().await, one().await);
    receiver.reply("/again", [Reply::Status(500)]);
    let (hook, secret) = webhook(&client, &receiver.url("/again"), &["run.created"]).await;
    client.run().await;
    let all = receiver.wait_for("/again", 2).await;
    assert_eq!((all[0].id(), &all[0].body), (all[1].id(), &all[1].body));
    assert!(all.iter().all(|one| is_signed(one, &secret)));
    let sent = delivery(&world, &org, &hook, "sent").await;
    assert_eq!((&sent["id"], &sent["last"]), (&json!(all[0].id()), &json!("status 204")));
    // A try that this process was too slow to answer is one more.
    assert!(sent["tries"].as_u64() >= Some(2), "{sent}");
}

/// Our choice: a redirect is a failure, and is not followed.
#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (receiver, (world, org, client)) = (Receiver::start().await, one().await);
    receiver.always("/redirect", Reply::Redirect(receiver.url("/elsewhere")));
    let (hook, _) = webhook(&client, &receiver.url("/redirect"), &["run.created"]).await;
    let test = client.post(&format!("/v1/webhooks/{hook}/test"), &json!({})).await.expect(200).json();
    assert_eq!(test, json!({ "delivered": false, "statusCode": 302 }));
    client.run().await;
    receiver.wait_for("/redirect", 2).await;
    eventually("the try is noted", async || deliveries(&world, &org).await[0]["last"] == "status 302").await;
    assert!(receiver.received("/elsewhere").is_empty());
}

/// Our choice: a webhook that was disabled or deleted since the event gets nothing more.
#[tokio::test]
async fn a_webhook_that_is_disabled_or_deleted_gets_nothing_more() {
    let (receiver, (world, org, client)) = (Receiver::start().await, one().await);
    let (paths, mut hooks) = (["/disabled", "/deleted"], Vec::new());
    for path in paths {
        // However often it is tried before it is disabled or deleted.
        receiver.always(path, Reply::Status(503));
        hooks.push(webhook(&client, &receiver.url(path), &["run.created"]).await.0);
    }
    client.run().await;
    receiver.wait_for("/disabled", 1).await;
    receiver.wait_for("/deleted", 1).await;
    client.patch(&format!("/v1/webhooks/{}", hooks[0]), &json!({ "enabled": false })).await.expect(200);
    client.delete(&format!("/v1/webhooks/{}", hooks[1])).await.expect(204);
    for ((hook, path), why) in hooks.iter().zip(paths).zip(["the webhook is disabled", "the webhook was deleted"]) {
        let dropped = delivery(&world, &org, hook, "dropped").await;
        assert_eq!(dropped["last"], why);
        let (tries, came) = (dropped["tries"].as_u64().unwrap(), receiver.received(path).len() as u64);
        assert!((1..=tries).contains(&came), "{came} came, and {tries} tries were made before: {dropped}");
    }
}

/// AG-38 and our choice: a receiver that is not public is refused before a connection, in any notation; the test of a webhook
/// says no more than that nothing answered.
#[tokio::test]
async fn what_is_not_public_is_refused() {
    let (receiver, (world, org, client)) = (Receiver::start().await, one().await);
    for (host, rule) in [
        ("[::1]", "loopback"),
        ("[::ffff:127.0.0.1]", "IPv4 inside IPv6"),
        ("10.0.0.1", "private"),
        ("0xa9fea9fe", "cloud metadata"),
        ("169.254.1.1", "link-local"),
    ] {
        let url = format!("https://{host}:{}/hidden", receiver.port());
        let (hook, _) = webhook(&client, &url, &["run.created"]).await;
        let test = client.post(&format!("/v1/webhooks/{hook}/test"), &json!({})).await.expect(200).json();
        assert_eq!(test, json!({ "delivered": false, "statusCode": null }), "{host}");
        client.run().await;
        let expected = format!("the URL is not allowed: its address is not public: {rule}");
        eventually(&format!("the refusal of {host}"), async || {
            deliveries(&world, &org).await.iter().any(|one| one["to"] == hook && one["last"] == expected)
        })
        .await;
        client.delete(&format!("/v1/webhooks/{hook}")).await.expect(204);
    }
    assert!(receiver.received("/hidden").is_empty());
}

/// Our choice: the test of a webhook is one signed event, and answers what came back.
#[tokio::test]
async fn a_test_says_what_came_back() {
    let (receiver, (_world, _, client)) = (Receiver::start().await, one().await);
    let (hook, secret) = webhook(&client, &receiver.url("/test"), &["run.failed"]).await;
    receiver.reply("/test", [Reply::Status(200), Reply::Status(418), Reply::Endless]);
    for (delivered, status) in [(true, 200), (false, 418), (true, 200)] {
        let test = client.post(&format!("/v1/webhooks/{hook}/test"), &json!({})).await.expect(200).json();
        assert_eq!(test, json!({ "delivered": delivered, "statusCode": status }));
    }
    let all = receiver.received("/test");
    assert!(all.iter().all(|one| is_signed(one, &secret) && one.kind() == "run.failed"));
    let nobody = webhook(&client, "https://127.0.0.1:1/", &["run.failed"]).await.0;
    let test = client.post(&format!("/v1/webhooks/{nobody}/test"), &json!({})).await.expect(200).json();
    assert_eq!(test, json!({ "delivered": false, "statusCode": null }));
}

/// Receivers that hang, answer without end, or are no server of TLS delay no others.
#[tokio::test]
async fn a_hostile_receiver_delays_no_others() {
    let (receiver, (world, org, client)) = (Receiver::start().await, one().await);
    let (_, other) = another(&world, Limited::default()).await;
    receiver.always("/hang", Reply::Hang);
    receiver.always("/endless", Reply::Endless);
    let junk = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let no_tls = format!("https://{}/", junk.local_addr().unwrap());
    let answering = tokio::spawn(async move {
        use tokio::io::AsyncWriteExt;
        loop {
            if let Ok((mut stream, _)) = junk.accept().await {
                _ = stream.write_all(b"220 smtp.example.com ESMTP\r\n").await;
            }
        }
    });
    for url in [receiver.url("/hang"), no_tls, receiver.url("/endless")] {
        webhook(&client, &url, &["run.created", "run.cancelled"]).await;
    }
    for _ in 0..20 {
        let run = client.run().await;
        client.post(&format!("/v1/runs/{run}/cancel"), &json!({})).await.expect(200);
    }
    let quick = Receiver::start().await;
    let (hook, _) = webhook(&client, &quick.url("/same"), &["run.created"]).await;
    webhook(&other, &quick.url("/other"), &["run.created"]).await;
    client.run().await;
    other.run().await;
    for path in ["/same", "/other"] {
        assert_eq!(quick.wait_for(path, 1).await.len(), 1);
    }
    delivery(&world, &org, &hook, "sent").await;
    answering.abort();
}
