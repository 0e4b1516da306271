//! From what guard's checks find to the messages of alerts.

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Map, Value};
use tidegate_agentping::{Slug, TeamId};
use tidegate_agentping_alerts::{Addressees, AlertEvent, MessageEdge, Outbox};
use tidegate_agentping_pulse::AlertKind;
use tidegate_agentping_settings::guard::guard_event_id;
use tidegate_agentping_settings::{GuardEvent, GuardEventKind};
use tidegate_kernel::Usd;
use tidegate_kernel::usd::decimal;

use super::GuardEvents;

/// Stores what guard's checks find in the outbox of alerts.
#[derive(Clone, Debug)]
pub struct GuardMessages(pub Outbox);

#[async_trait]
impl GuardEvents for GuardMessages {
    async fn found(&self, team: TeamId, events: &[GuardEvent], guard_check_id: Option<&str>) -> bool {
        let events: Vec<AlertEvent> = events.iter().map(|event| message(team, event, guard_check_id)).collect();
        match self.0.put(&events).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(kind = %error.kind(), %error, "an alert of guard is not stored; the next check finds it again");
                false
            }
        }
    }
}

fn message(team: TeamId, event: &GuardEvent, guard_check_id: Option<&str>) -> AlertEvent {
    let kind = match event.kind {
        GuardEventKind::Blocked => AlertKind::GuardBlocked,
        GuardEventKind::Warning => AlertKind::GuardWarning,
    };
    let mut data = Map::from_iter([
        ("rule".to_owned(), Value::from(event.rule.as_str())),
        ("rule_name".to_owned(), Value::from(event.rule_name.as_str())),
        ("spent_usd".to_owned(), dollars(event.spent)),
        ("limit_usd".to_owned(), dollars(event.limit)),
    ]);
    if let Some(id) = guard_check_id.filter(|_| event.kind == GuardEventKind::Blocked) {
        data.insert("guard_check_id".to_owned(), id.into());
    }
    AlertEvent {
        team,
        agent: event.agent.as_deref().and_then(|agent| Slug::parse(agent).ok()),
        kind,
        edge: MessageEdge::Firing,
        severity: kind.severity(),
        timestamp: event.at,
        incident: None,
        data,
        to: Addressees::Subscribed { key: format!("{:032x}", guard_event_id(team, event)) },
    }
}

fn dollars(amount: Usd) -> Value {
    #[derive(Serialize)]
    struct Dollars(#[serde(serialize_with = "decimal")] Usd);
    serde_json::to_value(Dollars(amount)).unwrap_or_default()
}
