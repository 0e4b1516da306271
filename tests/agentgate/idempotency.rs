//! Idempotency keys.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, Client, Limited, another, git_order, one, with};

async fn submit(client: &Client, key: &str, body: &str) -> Answer {
    client.send(Method::POST, "/v1/work-orders", &[("idempotency-key", key)], Some(body.into())).await
}

/// AG-42: the same again, whatever the order of members and white space, repeats the answer and takes nothing.
#[tokio::test]
async fn the_same_again_repeats_the_answer() {
    let (_world, _, client) = one().await;
    let first = submit(
        &client,
        "key-1",
        r#"{"taskPrompt":"p","workspaceSource":{"type":"git","repository":"r"},"metadata":{"a":1,"b":[2]}}"#,
    )
    .await
    .expect(201);
    assert_eq!(first.header("idempotency-replayed"), None);
    let other_form = r#" { "metadata": {"b":[ 2 ], "a":1}, "workspaceSource": {"repository":"r", "type":"git"}, "taskPrompt": "\u0070" } "#;
    let again = submit(&client, "key-1", other_form).await.expect(201);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.json(), first.json());
    assert_eq!(client.get("/v1/runs").await.json()["total"], 1);
}

/// AG-42: another body with the same key is refused, a bad one too; the key of another organization is another key.
#[tokio::test]
async fn another_body_is_refused() {
    let (world, _, client) = one().await;
    submit(&client, "key-1", &git_order().to_string()).await.expect(201);
    let mut other = git_order();
    other["taskPrompt"] = json!("Something else.");
    submit(&client, "key-1", &other.to_string()).await.refused(400, "INVALID_REQUEST");
    let details = submit(&client, "key-1", r#"{"taskPrompt":""}"#).await.refused(400, "INVALID_REQUEST");
    assert_eq!(details, Value::Null);
    let (_, stranger) = another(&world, Limited::default()).await;
    submit(&stranger, "key-1", &other.to_string()).await.expect(201);
    assert_eq!(client.get("/v1/runs").await.json()["total"], 1);
}

/// Our choice: a refusal does not freeze its key, and a repeat goes before 402 and `CONCURRENT_LIMIT`.
#[tokio::test]
async fn a_refusal_does_not_freeze_the_key() {
    let (world, org, client) = with(Limited { included_cents: 400, ..Limited::default() }).await;
    let body = git_order().to_string();
    submit(&client, "key-1", &body).await.refused(402, "INSUFFICIENT_CREDITS");
    world.credit(&org, 100).await;
    let accepted = submit(&client, "key-1", &body).await.expect(201);
    let again = submit(&client, "key-1", &body).await.expect(201);
    assert_eq!(again.json(), accepted.json());
    submit(&client, "key-2", &body).await.refused(402, "INSUFFICIENT_CREDITS");
}

/// Our choice: a repeat also goes before a template that is gone meanwhile.
#[tokio::test]
async fn a_repeat_goes_before_a_template_that_is_gone() {
    let (_world, _, client) = one().await;
    let template = json!({ "id": "mine", "name": "Mine", "source": { "type": "git", "repository": "r" } });
    client.post("/v1/templates", &template).await.expect(201);
    let mut order = git_order();
    order["workspaceSource"] = json!({ "type": "template", "templateId": "mine" });
    let first = submit(&client, "key-1", &order.to_string()).await.expect(201);
    client.delete("/v1/templates/mine").await.expect(204);
    assert_eq!(submit(&client, "key-1", &order.to_string()).await.expect(201).json(), first.json());
    submit(&client, "key-2", &order.to_string()).await.refused(404, "TEMPLATE_NOT_FOUND");
}

/// Our choice: a key has 1 to 255 visible ASCII characters.
#[tokio::test]
async fn an_ill_formed_key_is_refused() {
    let (_world, _, client) = one().await;
    let body = git_order().to_string();
    for key in ["", "a b", &"k".repeat(256)] {
        submit(&client, key, &body).await.refused(400, "INVALID_REQUEST");
    }
    submit(&client, &"k".repeat(255), &body).await.expect(201);
    let headers = [("idempotency-key", "a"), ("idempotency-key", "b")];
    let twice = client.send(Method::POST, "/v1/work-orders", &headers, Some(body.into_bytes())).await;
    twice.refused(400, "INVALID_REQUEST");
}
