//! Messages of guard's rules.

use serde_json::{Map, Value};
use tidegate_agentping::{Slug, TeamId};
use tidegate_agentping_pulse::AlertKind;
use tidegate_agentping_settings::guard::guard_event_id;
use tidegate_agentping_settings::{GuardEvent, GuardEventKind};
use tidegate_kernel::Usd;

use crate::event::{Addressees, AlertEvent, MessageEdge};

/// The message of a rule that blocks or warns (AgentPing: guard's alerts).
pub fn guard_alert(team: TeamId, event: &GuardEvent, guard_check_id: Option<&str>) -> AlertEvent {
    let kind = match event.kind {
        GuardEventKind::Blocked => AlertKind::GuardBlocked,
        GuardEventKind::Warning => AlertKind::GuardWarning,
    };
    let mut data: Map<String, Value> = Map::new();
    data.insert("rule".to_owned(), event.rule.as_str().into());
    data.insert("rule_name".to_owned(), event.rule_name.as_str().into());
    data.insert("spent_usd".to_owned(), usd(event.spent));
    data.insert("limit_usd".to_owned(), usd(event.limit));
    if let Some(id) = guard_check_id {
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

fn usd(amount: Usd) -> Value {
    tidegate_kernel::usd::decimal(&amount, serde_json::value::Serializer).unwrap_or(Value::Null)
}
