//! A message as PagerDuty's Events API v2 takes it.

use serde_json::{Value, json};

use crate::body::MessageBody;
use crate::slack::shortened;
use crate::wording::Wording;

/// Where PagerDuty takes events.
pub const ENQUEUE_URL: &str = "https://events.pagerduty.com/v2/enqueue";
const SUMMARY_CHARS: usize = 1_024;

/// The body. Messages of one incident have one key, so that they are one incident there too. `delivery` is the key of a
/// message without an incident.
pub fn pagerduty_body(body: &MessageBody, delivery: &str, routing_key: &str) -> String {
    let key = body.incident_id.map_or_else(|| delivery.to_owned(), |incident| incident.text().as_str().to_owned());
    if body.status == "resolved" {
        return Value::to_string(&json!({"routing_key": routing_key, "event_action": "resolve", "dedup_key": key}));
    }
    let source = body.agent.as_ref().map_or_else(|| body.team.clone(), |agent| Some(agent.as_str().to_owned()));
    let mut event = json!({
        "routing_key": routing_key,
        "event_action": "trigger",
        "dedup_key": key,
        "payload": {
            "summary": shortened(&Wording::of(body).title, SUMMARY_CHARS),
            "source": source.unwrap_or_else(|| "AgentPing".to_owned()),
            "severity": body.severity.as_str(),
            "timestamp": body.timestamp.to_string(),
            "component": body.kind,
            "custom_details": body.data,
        },
    });
    if let Some(url) = &body.url {
        event["links"] = json!([{"href": url, "text": "Open"}]);
    }
    event.to_string()
}
