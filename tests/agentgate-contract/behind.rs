//! Deciders are away: front doors refuse before they append, and nothing that was refused is ever decided.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tidegate_tests::stack::{Addresses, LogClient, Settings};
use tidegate_tests::{eventually, ids};

use crate::World;
use crate::clients::clients;
use crate::suite::{Answer, Client, git_order, worker};

/// For a reading of the lag to come in, and for deciders to have their partitions.
const SEEN: Duration = Duration::from_secs(60);

async fn submit(client: &Client, key: &str) -> Answer {
    let body = git_order().to_string().into_bytes();
    client.send(Method::POST, "/v1/work-orders", &[("idempotency-key", key)], Some(body)).await
}

#[track_caller]
fn shed(answer: Answer) {
    assert!((1..=91).contains(&answer.number("retry-after")), "{answer}");
    assert_eq!(answer.json()["error"]["message"], "Too much is waiting. Retry later.", "{answer}");
    answer.refused(503, "SERVICE_UNAVAILABLE");
}

fn topic(settings: &Settings) -> LogClient {
    let prefix = format!("{}.agentgate.{}", settings.name, settings.region);
    LogClient::connect(&Addresses::found(), &format!("{prefix}.records.g1"), &format!("{prefix}.decider.g1"))
}

/// AG-41: what is shed was not appended and is never decided; what was appended is decided, however late.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_shed_is_never_decided() {
    let world = World::alone().await;
    let (org, doors) = clients(&world).await;
    let worker = worker(&world, &org).await;
    let open = doors[0].run().await;
    let servers = world.target().servers();
    let deciders = ["decide-0", "decide-1"].map(|name| servers.named(name));
    for decider in deciders {
        assert!(decider.stop().await, "{}", decider.log());
    }

    // The first ones are appended and wait. Once they have waited for too long, every front door refuses.
    let mut sent = BTreeMap::new();
    for door in &doors {
        eventually(SEEN, "the front door sheds", async || {
            let key = ids::nonce();
            let answer = submit(door, &key).await;
            sent.insert(key, answer.status.as_u16());
            match answer.status.as_u16() {
                503 => shed(answer),
                _ => return Err(answer.expect(504).to_string()),
            }
            Ok(())
        })
        .await;
    }
    assert!(sent.values().any(|status| *status == 504), "nothing was appended");

    // Everything is refused, whatever it is, and nothing reaches the log; what is there is read.
    let log = topic(servers.settings());
    let ends = log.ends().await.unwrap();
    for door in &doors {
        for _ in 0..20 {
            let key = ids::nonce();
            shed(submit(door, &key).await);
            sent.insert(key, 503);
        }
        let webhook = json!({ "url": "https://example.com/hook", "events": ["run.failed"] });
        shed(door.post("/v1/webhooks", &webhook).await);
        // What is wrong with a body, and what it names, comes after.
        let unknown = json!({ "type": "template", "templateId": "nothing" });
        for body in [json!({}), json!({ "taskPrompt": "Say hello", "workspaceSource": unknown })] {
            shed(door.submit(&body).await);
        }
        let text = [("content-type", "text/plain")];
        shed(door.send(Method::POST, "/v1/work-orders", &text, Some(b"hello".to_vec())).await);
        let template = json!({ "id": "mine", "name": "Mine", "source": { "type": "git", "repository": "r" } });
        shed(door.post("/v1/templates", &template).await);
        shed(door.post(&format!("/v1/runs/{open}/cancel"), &json!({})).await);
        assert_eq!(door.get(&format!("/v1/runs/{open}")).await.expect(200).json()["status"], "pending");
        assert_eq!(door.get("/v1/runs").await.expect(200).json()["total"], 1);
    }
    shed(worker.post("/worker/v1/leases", &json!({ "worker": "a" })).await);
    assert_eq!(log.ends().await.unwrap(), ends, "something that was shed is on the log");

    // Deciders are back: what was appended is decided, and only that.
    for decider in deciders {
        decider.start().await;
    }
    let appended = sent.values().filter(|status| **status == 504).count();
    eventually(SEEN, "what was appended is decided", async || {
        let total = doors[0].get("/v1/runs").await.expect(200).json()["total"].clone();
        if total == 1 + appended { Ok(()) } else { Err(format!("{total} runs, and {appended} were appended")) }
    })
    .await;
    for (key, status) in &sent {
        let body = git_order().to_string().into_bytes();
        let headers = [("idempotency-key", key.as_str())];
        let answer = eventually(SEEN, "the request is taken", async || {
            match doors[0].send(Method::POST, "/v1/work-orders", &headers, Some(body.clone())).await {
                answer if answer.status == 503 => Err(answer.to_string()),
                answer => Ok(answer.expect(201)),
            }
        })
        .await;
        let is_repeat = answer.header("idempotency-replayed").is_some();
        assert_eq!(is_repeat, *status == 504, "{key} got {status}: {answer}");
    }
    assert_eq!(doors[0].get("/v1/runs").await.expect(200).json()["total"], 1 + sent.len());
}
