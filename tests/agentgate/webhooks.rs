//! Webhooks.

use serde_json::json;

use super::{Limited, another, one};

/// AG-38: the secret is shown once, when the webhook is made.
#[tokio::test]
async fn the_secret_is_shown_once() {
    let (world, _, client) = one().await;
    let (_, stranger) = another(&world, Limited::default()).await;
    let webhook = json!({
        "url": "https://example.com/hook", "events": ["run.completed", "run.failed"], "description": "Ours.",
        "headers": { "X-Team": "a" },
    });
    let made = client.post("/v1/webhooks", &webhook).await.expect(201).json();
    let secret = made["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("whsec_") && secret.len() > 24, "{made}");
    let (hook, id) = (&made["webhook"], made["webhook"]["id"].as_str().unwrap());
    assert!(id.starts_with("wh_"));
    assert_eq!((&hook["url"], &hook["events"], &hook["enabled"]), (&webhook["url"], &webhook["events"], &json!(true)));
    assert_eq!(hook["description"], "Ours.");
    let path = format!("/v1/webhooks/{id}");
    let later = [
        client.get(&path).await.expect(200),
        client.get("/v1/webhooks").await.expect(200),
        client.patch(&path, &json!({ "enabled": false, "events": ["run.created"] })).await.expect(200),
        client.get(&path).await.expect(200),
    ];
    assert!(later.iter().all(|answer| !answer.text().contains("whsec_")));
    assert_eq!(later[0].json(), *hook);
    assert_eq!((&later[1].json()["data"][0], &later[1].json()["total"]), (hook, &json!(1)));
    let changed = later[2].json();
    assert_eq!((&changed["enabled"], &changed["events"]), (&json!(false), &json!(["run.created"])));
    assert_eq!((&changed["url"], changed["updatedAt"].is_string()), (&hook["url"], true));
    assert_eq!(later[3].json(), changed);
    for answer in [stranger.get(&path).await, stranger.delete(&path).await, stranger.patch(&path, &json!({})).await] {
        answer.refused(404, "WEBHOOK_NOT_FOUND");
    }
    client.delete(&path).await.expect(204);
    client.get(&path).await.refused(404, "WEBHOOK_NOT_FOUND");
    client.delete(&path).await.refused(404, "WEBHOOK_NOT_FOUND");
    assert_eq!(client.get("/v1/webhooks").await.json()["total"], 0);
}

/// AG-38: only https is taken.
#[tokio::test]
async fn only_https_is_taken() {
    let (_world, _, client) = one().await;
    for (url, code) in [
        ("http://example.com/hook", "INVALID_VALUE"),
        ("ftp://example.com", "INVALID_VALUE"),
        ("https://user:password@example.com", "INVALID_VALUE"),
        ("example.com/hook", "INVALID_FORMAT"),
        ("", "INVALID_VALUE"),
    ] {
        let body = json!({ "url": url, "events": ["run.failed"] });
        let details = client.post("/v1/webhooks", &body).await.refused(400, code);
        assert_eq!(details["errors"][0]["field"], "url");
        let mut order = super::git_order();
        order["webhookUrl"] = json!(url);
        let details = client.submit(&order).await.refused(400, code);
        assert_eq!(details["errors"][0]["field"], "webhookUrl");
    }
}
