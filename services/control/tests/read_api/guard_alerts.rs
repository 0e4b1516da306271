//! What guard's checks hand on for people to be alerted.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tidegate_agentping::TeamId;
use tidegate_agentping_alerts::guard::guard_alert;
use tidegate_agentping_pulse::AlertSeverity;
use tidegate_agentping_settings::GuardEvent;
use tidegate_control::GuardEvents;
use tidegate_ports::Clock;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::timeout;

use crate::house::*;

/// An event, and the check that found it.
pub type Found = (GuardEvent, Option<String>);

pub struct HandedOn(pub Sender<Found>);

#[async_trait]
impl GuardEvents for HandedOn {
    async fn found(&self, _: TeamId, events: &[GuardEvent], guard_check_id: Option<&str>) -> bool {
        for event in events {
            let sent = self.0.send((event.clone(), guard_check_id.map(str::to_owned))).await;
            assert!(sent.is_ok(), "the test has ended");
        }
        true
    }
}

pub async fn next(found: &mut Receiver<Found>) -> Found {
    timeout(Duration::from_secs(60), found.recv()).await.unwrap().unwrap()
}

/// 4.2 and the alerts of 1.3: a pause is handed on with the first job that it blocks, once for each time that it begins.
/// That of the whole team is about no agent, and critical.
#[tokio::test]
async fn a_pause_is_handed_on_once_for_each_beginning() {
    let (to, mut found) = channel(10);
    let house = House::opened_with(|control| control.with_guard_events(Arc::new(HandedOn(to)))).await;
    house.with_agent("nightly", 1).await;
    house.with_agent("other", 2).await;
    let blocked = async |body: Value| {
        let answer = house.post("/v1/guard/check", &body).await.ok();
        assert_eq!(answer["decision"], "block", "{answer}");
        answer["guard_check_id"].as_str().unwrap().to_owned()
    };
    let pause = house.put("/v1/pause", &Value::Null).await.ok();
    let first = blocked(json!({"agent": "nightly"})).await;
    blocked(json!({"agent": "other"})).await;
    blocked(json!({})).await;
    let (event, id) = next(&mut found).await;
    assert_eq!((event.rule.as_str(), id.as_deref()), (pause["rule_id"].as_str().unwrap(), Some(first.as_str())));
    let alert = guard_alert(team(1), &event, id.as_deref());
    assert_eq!((alert.severity, alert.agent), (AlertSeverity::Critical, None));
    house.delete("/v1/pause").await.is_empty_204();
    let pause = house.put("/v1/agents/nightly/pause", &Value::Null).await.ok();
    blocked(json!({"agent": "nightly"})).await;
    blocked(json!({"agent": "nightly", "environment": "prod"})).await;
    let (event, id) = next(&mut found).await;
    assert_eq!((event.rule.as_str(), event.at), (pause["rule_id"].as_str().unwrap(), at(NOON)));
    let alert = guard_alert(team(1), &event, id.as_deref());
    assert_eq!((alert.severity, alert.agent), (AlertSeverity::Warning, Some(slug("nightly"))));
    house.delete("/v1/agents/nightly/pause").await.is_empty_204();
    house.clock.advance_ms(60_000);
    house.put("/v1/agents/nightly/pause", &Value::Null).await.ok();
    blocked(json!({"agent": "nightly"})).await;
    let (event, _) = next(&mut found).await;
    assert_eq!((event.agent.as_deref(), event.at), (Some("nightly"), house.clock.now()));
    // One more, before which any other would have come.
    house.put("/v1/agents/other/pause", &Value::Null).await.ok();
    blocked(json!({"agent": "other"})).await;
    let (event, _) = next(&mut found).await;
    assert_eq!(event.agent.as_deref(), Some("other"));
}
