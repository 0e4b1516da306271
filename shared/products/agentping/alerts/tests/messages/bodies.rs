//! The generic body.

use serde_json::{Value, json};
use tidegate_agentping_alerts::body::{MAX_BODY_BYTES, MessageBody};
use tidegate_agentping_pulse::Edge;

use crate::rig::{Rig, event};

/// AC-54: compact, and its members in order.
#[tokio::test]
async fn ac_54_the_members_are_in_order() {
    let rig = Rig::new().await;
    let mut firing = event(1, Edge::Repeat, 0);
    firing.data =
        json!({"last_success": {"cost_usd": 0.5, "run_id": "run_1"}, "missed_in_row": 2}).as_object().unwrap().clone();
    rig.put(&[firing]).await;
    let body = rig.messages.of_route("ops", None, 1, crate::rig::NOW).await.unwrap().remove(0).doc.body;
    let incident = crate::rig::incident(1, 0);
    assert_eq!(
        body,
        format!(
            r#"{{"alert":"schedule_missed","agent":"agent-1","type":"schedule.missed","status":"firing","severity":"error","timestamp":"2027-01-15T08:00:00.000Z","incident_id":"{incident}","team":"Blue","url":"https://ping.example/teams/Blue/agents/agent-1","data":{{"last_success":{{"cost_usd":0.5,"run_id":"run_1"}},"missed_in_row":2}}}}"#
        )
    );
}

/// `agent` is `null` and second where it is about a team.
#[tokio::test]
async fn a_message_about_a_team_has_no_agent() {
    let rig = Rig::new().await;
    rig.put(&[crate::rig::quota(150)]).await;
    let body = rig.messages.of_route("ops", None, 1, crate::rig::NOW).await.unwrap().remove(0).doc.body;
    assert!(
        body.starts_with(
            r#"{"alert":"quota","agent":null,"type":"quota.reached","status":"firing","severity":"critical""#
        ),
        "{body}"
    );
}

#[test]
fn a_body_is_at_most_20_kb() {
    let long = "x\"".repeat(30_000);
    let mut body: MessageBody = serde_json::from_value(json!({
        "alert": "run_failed", "agent": "a", "type": "run.failed", "status": "firing", "severity": "error",
        "timestamp": "2026-01-01T00:00:00.000Z", "data": {"run_id": "run_1", "status": long},
    }))
    .unwrap();
    let text = body.clone().to_text();
    assert!(text.len() <= MAX_BODY_BYTES);
    let read: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(read["data"]["run_id"], "run_1");
    let many: Vec<Value> = (0..10_000).map(|number| json!({"agent": number})).collect();
    body.data.insert("incidents".to_owned(), many.into());
    let text = body.to_text();
    assert!(text.len() <= MAX_BODY_BYTES);
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap().get("data"), None);
}
