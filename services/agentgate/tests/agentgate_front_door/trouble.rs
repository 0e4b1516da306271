//! What is answered when something is down.

use std::sync::atomic::Ordering;
use std::time::Duration;

use hmac::{Hmac, Mac};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use tidegate_agentgate::{OrgId, Owner};
use tidegate_agentgate_api::CommandClass;
use tidegate_commands::SubmitRefusal;
use tidegate_ports::StoreError;
use tidegate_shedding::{ShedCause, ShedRefusal};

use crate::suite::{Client, Limited, another, eventually, git_order, one, worker};
use crate::{World, WorldSettings};

/// AG-40: a failure of ours says its request's id and nothing of the inside.
#[tokio::test]
async fn an_unexpected_failure_says_its_requests_id() {
    let (world, _, client) = one().await;
    world.store.broken.store(true, Ordering::SeqCst);
    for path in ["/v1/runs", "/v1/credits", "/v1/templates"] {
        let answer = client.send(Method::GET, path, &[("x-request-id", "my-id-7")], None).await;
        let id = answer.header("x-request-id").unwrap().to_owned();
        assert!(id.starts_with("req_") && !answer.text().contains("secret-internals"), "{answer}");
        assert_eq!(answer.refused(500, "INTERNAL_ERROR"), json!({ "requestId": id }));
    }
}

/// AG-41: what is shed or refused by the log was not appended; what is not decided in time has no ids.
#[tokio::test]
async fn what_is_not_decided_has_no_ids() {
    let (world, _, client) = one().await;
    let shed = ShedRefusal { class: CommandClass::Creates, cause: ShedCause::Age, retry_after_s: 7 };
    let down = StoreError::Unavailable("no connection".to_owned().into());
    for (refusal, status, code, retry_after) in [
        (SubmitRefusal::Shed(shed), 503, "SERVICE_UNAVAILABLE", Some("7")),
        (SubmitRefusal::LogRefused { retry_after_s: 3 }, 503, "SERVICE_UNAVAILABLE", Some("3")),
        (SubmitRefusal::TooManyWaiting, 503, "SERVICE_UNAVAILABLE", Some("1")),
        (SubmitRefusal::StoreDown(down), 503, "SERVICE_UNAVAILABLE", None),
        (SubmitRefusal::Undecided, 504, "TIMEOUT", None),
    ] {
        *world.deciding.refuses.lock().unwrap() = Some(refusal);
        let answer = client.submit(&git_order()).await;
        if let Some(retry_after) = retry_after {
            assert_eq!(answer.header("retry-after"), Some(retry_after));
        }
        assert!(!answer.text().contains("run_") && !answer.text().contains("wo_"), "{answer}");
        let details = answer.refused(status, code);
        assert!(details["requestId"].is_string());
    }
    *world.deciding.refuses.lock().unwrap() = None;
    assert_eq!(client.get("/v1/runs").await.json()["total"], 0);
}

/// AG-41: shedding comes after the key, the windows and the scope, and before the body and what it names. A repeat of a
/// key is shed too: nothing says that it was answered before until its body is read.
#[tokio::test]
async fn what_is_shed_is_refused_before_its_body_is_looked_at() {
    let (world, org, client) = one().await;
    let (order, key) = (git_order().to_string(), ("idempotency-key", "a"));
    client.send(Method::POST, "/v1/work-orders", &[key], Some(order.clone().into_bytes())).await.expect(201);
    let before = world.deciding.submitted.load(Ordering::SeqCst);
    *world.deciding.sheds.lock().unwrap() = OrgId::parse(&org).map(Owner::Org);

    let mut unknown = git_order();
    unknown["workspaceSource"] = json!({ "type": "template", "templateId": "nothing" });
    let unknown = unknown.to_string();
    let (text, of_key) = (("content-type", "text/plain"), ("idempotency-key", "a b"));
    for (method, path, headers, body) in [
        (Method::POST, "/v1/work-orders", &[][..], "{}"),
        (Method::POST, "/v1/work-orders", &[], "{"),
        (Method::POST, "/v1/work-orders", &[text], order.as_str()),
        (Method::POST, "/v1/work-orders", &[of_key], order.as_str()),
        (Method::POST, "/v1/work-orders", &[key], order.as_str()),
        (Method::POST, "/v1/work-orders", &[], unknown.as_str()),
        (Method::POST, "/v1/runs/run_x/cancel", &[], ""),
        (Method::POST, "/v1/webhooks", &[], "{}"),
        (Method::PATCH, "/v1/webhooks/wh_x", &[], "{"),
        (Method::DELETE, "/v1/webhooks/wh_x", &[], ""),
        (Method::POST, "/v1/templates", &[], "{}"),
        (Method::PUT, "/v1/templates/python-flask", &[], "{"),
        (Method::DELETE, "/v1/templates/python-flask", &[], ""),
    ] {
        let answer = client.send(method, path, headers, Some(body.as_bytes().to_vec())).await;
        assert_eq!(answer.header("retry-after"), Some("5"), "{answer}");
        assert!(answer.header("x-ratelimit-limit").is_some(), "{answer}");
        answer.refused(503, "SERVICE_UNAVAILABLE");
    }
    // What makes no command is not shed.
    client.get("/v1/runs").await.expect(200);
    client.post("/v1/webhooks/wh_x/test", &json!({})).await.refused(404, "WEBHOOK_NOT_FOUND");
    // What comes before it is answered first.
    Client::without_key(world.url()).submit(&json!({})).await.refused(401, "MISSING_API_KEY");
    let (_, reads) = world.key(&org, &["runs:read"]).await;
    Client::new(world.url(), &reads).submit(&json!({})).await.refused(403, "INSUFFICIENT_PERMISSIONS");
    let (org, client) = another(&world, Limited { submissions_per_minute: 1, ..Limited::default() }).await;
    *world.deciding.sheds.lock().unwrap() = OrgId::parse(&org).map(Owner::Org);
    client.submit(&json!({})).await.refused(503, "SERVICE_UNAVAILABLE");
    client.submit(&json!({})).await.refused(429, "RATE_LIMITED");
    assert_eq!(world.deciding.submitted.load(Ordering::SeqCst), before);
}

/// Our choice: each command is asked about once, as a command of its class.
#[tokio::test]
async fn each_command_is_asked_about_once() {
    let (world, org, client) = one().await;
    let worker = worker(&world, &org).await;
    let run = client.run().await;
    worker.post("/worker/v1/leases", &json!({ "worker": "a" })).await.expect(200);
    let progress = json!({ "token": 1, "iterations": 1 });
    worker.post(&format!("/worker/v1/runs/{run}/progress"), &progress).await.expect(200);
    let finish = json!({ "token": 1, "status": "succeeded", "iterations": 1 });
    worker.post(&format!("/worker/v1/runs/{run}/finish"), &finish).await.expect(200);
    let run = client.run().await;
    client.post(&format!("/v1/runs/{run}/cancel"), &json!({})).await.expect(200);
    let webhook = json!({ "url": "https://example.com/hook", "events": ["run.failed"] });
    let made = client.post("/v1/webhooks", &webhook).await.expect(201).json();
    let path = format!("/v1/webhooks/{}", made["webhook"]["id"].as_str().unwrap());
    client.patch(&path, &json!({ "enabled": false })).await.expect(200);
    client.delete(&path).await.expect(204);
    let template = json!({ "id": "mine", "name": "Mine", "source": { "type": "git", "repository": "r" } });
    client.post("/v1/templates", &template).await.expect(201);
    client.put("/v1/templates/mine", &json!({ "name": "Ours" })).await.expect(200);
    client.delete("/v1/templates/mine").await.expect(204);
    let asked = world.deciding.asked.lock().unwrap().clone();
    assert_eq!(asked, *world.deciding.submitted_as.lock().unwrap());
    assert_eq!(asked.iter().filter(|class| **class == CommandClass::Creates).count(), 6, "{asked:?}");
    assert_eq!(asked.len(), 12, "{asked:?}");
}

/// Our choice: a front door that cannot count requests refuses them.
#[tokio::test]
async fn without_a_limiter_nobody_is_let_in() {
    let (world, _, client) = one().await;
    world.limits_down.store(true, Ordering::SeqCst);
    let answer = client.get("/v1/runs").await;
    assert_eq!(answer.header("retry-after"), Some("1"));
    answer.refused(503, "SERVICE_UNAVAILABLE");
}

/// Our choice: a test sends one signed event at once, and answers with what came back.
#[tokio::test]
async fn a_test_of_a_webhook_is_sent_at_once() {
    let (world, _, client) = one().await;
    for (last, delivered, status) in
        [("204", true, json!(204)), ("500", false, json!(500)), ("302", false, json!(302)), ("x", false, Value::Null)]
    {
        let webhook = json!({
            "url": format!("https://example.com/{last}"), "events": ["run.failed"], "headers": { "X-A": "b" },
        });
        let made = client.post("/v1/webhooks", &webhook).await.expect(201).json();
        let path = format!("/v1/webhooks/{}/test", made["webhook"]["id"].as_str().unwrap());
        let answer = client.post(&path, &json!({})).await.expect(200).json();
        assert_eq!(answer, json!({ "delivered": delivered, "statusCode": status }));
        let sent = world.tests.lock().unwrap().pop().unwrap();
        let header = |name: &str| sent.headers.iter().find(|(of, _)| of == name).map(|(_, value)| value.as_str());
        assert_eq!((header("X-A"), header("X-AgentGate-Event")), (Some("b"), Some("run.failed")));
        let secret = made["secret"].as_str().unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(&sent.body);
        let digits: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(header("X-AgentGate-Signature"), Some(format!("sha256={digits}").as_str()));
        let body: Value = serde_json::from_slice(&sent.body).unwrap();
        assert_eq!((&body["type"], &body["data"]["test"]), (&json!("run.failed"), &json!(true)));
        assert!(body["id"].as_str().is_some_and(|id| id.starts_with("evt_")) && body["createdAt"].is_string());
    }
}

/// Our choice: a lease that is not renewed lapses, and the run is offered again with the next token.
#[tokio::test]
async fn a_lease_lapses() {
    let mut settings = WorldSettings::default();
    settings.config.lease = Duration::from_millis(200);
    let world = World::with(settings).await;
    let (org, client) = another(&world, Limited::default()).await;
    let worker = worker(&world, &org).await;
    let run = client.run().await;
    let first = worker.post("/worker/v1/leases", &json!({ "worker": "a" })).await.expect(200).json();
    assert_eq!((&first["run"], &first["token"]), (&json!(run), &json!(1)));
    // Time passes for the organization with its next command.
    eventually("the next lease", async || {
        client.run().await;
        let again = worker.post("/worker/v1/leases", &json!({ "worker": "b" })).await.expect(200).json();
        again["run"] == json!(run) && again["token"] == 2
    })
    .await;
    let stale = json!({ "token": 1, "iterations": 0 });
    worker.post(&format!("/worker/v1/runs/{run}/progress"), &stale).await.refused(409, "STALE_TOKEN");
}
