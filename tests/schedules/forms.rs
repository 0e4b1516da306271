//! Slack and PagerDuty: what they are sent of an incident.

use serde_json::{Value, json};
use tidegate_tests::receiver::Received;

use crate::stage::Stage;

/// Mentions everyone, formats, and links, where it is not escaped.
const HOSTILE: &str = "<!channel> *x* <https://evil.test|y>";

/// AC-62: Slack's form has a text, keeps its limits, and no name mentions anyone. AC-65: two triggers and the resolve
/// have the incident's key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ac_62_and_65_slack_and_pagerduty_get_their_own_forms() {
    let stage = Stage::begin().await;
    let crew = stage.crew().await;
    crew.route(&stage, "chat", json!({"kind": "slack"})).await;
    let pager = json!({"kind": "pagerduty", "routing_key": "R0123456789ABCDEF"});
    crew.route(&stage, "pager", pager).await;
    crew.manage("PATCH", "/v1/team", &json!({"routes": ["chat", "pager"]})).await.expect(200);
    let failed = json!({"status": "fail"});
    crew.report(HOSTILE, failed.clone()).await;
    let incident = crew.incidents_are(HOSTILE, &["open"]).await.remove(0)["id"].take();
    stage.receiver.wait_for("/pager", 1).await;
    stage.receiver.wait_for("/chat", 1).await;
    // One more is sent on its own once an hour has passed.
    stage.to("13:10").await;
    crew.report(HOSTILE, failed).await;
    stage.receiver.wait_for("/pager", 2).await;
    crew.report(HOSTILE, json!({"status": "ok"})).await;
    crew.incidents_are(HOSTILE, &["resolved"]).await;

    let events: Vec<Value> = stage.receiver.wait_for("/pager", 3).await.iter().map(Received::json).collect();
    assert_eq!(
        events.iter().map(|event| &event["event_action"]).collect::<Vec<_>>(),
        ["trigger", "trigger", "resolve"]
    );
    for event in &events {
        assert_eq!((&event["dedup_key"], &event["routing_key"]), (&incident, &json!("R0123456789ABCDEF")), "{event}");
    }
    let payload = &events[0]["payload"];
    assert_eq!((&payload["severity"], &payload["source"]), (&json!("error"), &json!(HOSTILE)), "{payload}");
    assert!(payload["summary"].as_str().unwrap().chars().count() <= 1_024 && payload["custom_details"].is_object());
    assert_eq!(payload["component"], "run.failed");

    for received in stage.receiver.wait_for("/chat", 3).await {
        let (raw, body) = (String::from_utf8_lossy(&received.body).into_owned(), received.json());
        assert!(body["text"].as_str().unwrap().starts_with("&lt;!channel&gt;"), "{body}");
        assert!(!raw.contains("<!") && !raw.contains("<https://evil") && body.get("alert").is_none(), "{raw}");
        assert!(!received.headers.contains_key("webhook-signature"));
        let blocks = body["blocks"].as_array().unwrap();
        assert!((1..=50).contains(&blocks.len()), "{raw}");
        assert_eq!(blocks[0]["type"], "header");
        assert!(blocks[0]["text"]["text"].as_str().unwrap().chars().count() <= 150, "{raw}");
        for block in blocks {
            assert!(block["fields"].as_array().map_or(0, Vec::len) <= 10, "{raw}");
            assert!(block["text"]["text"].as_str().unwrap_or_default().chars().count() <= 3_000, "{raw}");
        }
    }
}
