//! Messages of guard's rules and of pauses.

use serde_json::{Map, Value};
use tidegate_agentping::{Slug, TeamId};
use tidegate_agentping_pulse::{AlertKind, AlertSeverity};
use tidegate_agentping_settings::guard::{GuardEventCause, guard_event_id};
use tidegate_agentping_settings::{GuardEvent, GuardEventKind};
use tidegate_kernel::Usd;

use crate::event::{Addressees, AlertEvent, MessageEdge};

/// The `reason` of a block by a pause.
pub(crate) const OPERATOR_PAUSE: &str = "operator_pause";

/// The message of a rule that blocks or warns, or of a pause that blocks (AgentPing: guard's alerts).
pub fn guard_alert(team: TeamId, event: &GuardEvent, guard_check_id: Option<&str>) -> AlertEvent {
    let kind = match event.kind {
        GuardEventKind::Blocked => AlertKind::GuardBlocked,
        GuardEventKind::Warning => AlertKind::GuardWarning,
    };
    let mut data: Map<String, Value> = Map::new();
    data.insert("rule".to_owned(), event.rule.as_str().into());
    data.insert("rule_name".to_owned(), event.rule_name.as_str().into());
    match &event.cause {
        GuardEventCause::Spend { spent, limit } => {
            data.insert("spent_usd".to_owned(), usd(*spent));
            data.insert("limit_usd".to_owned(), usd(*limit));
        }
        GuardEventCause::Pause(pause) => {
            data.insert("reason".to_owned(), OPERATOR_PAUSE.into());
            data.insert("paused_at".to_owned(), pause.paused_at.to_string().into());
            data.insert("paused_by".to_owned(), pause.paused_by.as_str().into());
            let until = pause.until.map(|until| ("until", until.to_string()));
            let note = pause.note.clone().map(|note| ("note", note));
            data.extend(until.into_iter().chain(note).map(|(name, text)| (name.to_owned(), text.into())));
        }
    }
    if let Some(id) = guard_check_id {
        data.insert("guard_check_id".to_owned(), id.into());
    }
    AlertEvent {
        team,
        agent: event.agent.as_deref().and_then(|agent| Slug::parse(agent).ok()),
        kind,
        edge: MessageEdge::Firing,
        severity: if event.is_pause_of_team() { AlertSeverity::Critical } else { kind.severity() },
        timestamp: event.at,
        incident: None,
        data,
        to: Addressees::Subscribed { key: format!("{:032x}", guard_event_id(team, event)) },
    }
}

fn usd(amount: Usd) -> Value {
    tidegate_kernel::usd::decimal(&amount, serde_json::value::Serializer).unwrap_or(Value::Null)
}
