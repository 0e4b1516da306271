//! The generic body of a message: what webhooks get as it is, and what the other forms are made from.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tidegate_agentping::Slug;
use tidegate_agentping_pulse::{AlertKind, AlertSeverity, IncidentId};
use tidegate_kernel::{Timestamp, timestamp::iso};

use crate::event::MessageEdge;

/// Bytes of a body at most.
pub const MAX_BODY_BYTES: usize = 20_000;

/// The members of a body, in their order. What is not known is absent, but for `agent`, which is `null` in a message about
/// a team.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MessageBody {
    pub alert: AlertKind,
    pub agent: Option<Slug>,
    /// The kind with the edge's word, such as `schedule.missed`.
    #[serde(rename = "type")]
    pub kind: String,
    pub status: String,
    pub severity: AlertSeverity,
    #[serde(with = "iso")]
    pub timestamp: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident_id: Option<IncidentId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub data: Map<String, Value>,
}

/// The word of a message's `type`.
pub const fn type_word(kind: AlertKind, edge: MessageEdge) -> &'static str {
    match (edge, kind) {
        (MessageEdge::Flapping, _) => "incident.flapping",
        (MessageEdge::Group, _) => "incidents.grouped",
        (MessageEdge::Test, _) | (_, AlertKind::Test) => "test",
        (MessageEdge::Resolved, AlertKind::ScheduleMissed | AlertKind::ScheduleUnknown) => "schedule.recovered",
        (MessageEdge::Resolved, AlertKind::RunStuck | AlertKind::RunFailed) => "run.recovered",
        (MessageEdge::Resolved, AlertKind::CheckFailed) => "check.recovered",
        (_, AlertKind::ScheduleMissed) => "schedule.missed",
        (_, AlertKind::ScheduleUnknown) => "schedule.unknown",
        (_, AlertKind::RunStuck) => "run.stuck",
        (_, AlertKind::RunFailed) => "run.failed",
        (_, AlertKind::SpendAnomaly) => "spend.anomaly",
        (_, AlertKind::CheckFailed) => "check.failed",
        (_, AlertKind::GuardBlocked) => "guard.blocked",
        (_, AlertKind::GuardWarning) => "guard.warning",
        (_, AlertKind::Quota) => "quota.reached",
        (_, AlertKind::AgentLimit) => "agent.limit",
        (_, AlertKind::UnpricedModel) => "model.unpriced",
        (_, AlertKind::RouteDisabled) => "route.disabled",
        (_, AlertKind::Digest) => "digest",
    }
}

impl MessageBody {
    /// Compact JSON. Where it would be too long, texts of `data` are cut, and if that is not enough, `data` is left out.
    pub fn to_text(mut self) -> String {
        for longest in [usize::MAX, 1_024, 128] {
            self.data.values_mut().for_each(|value| cut(value, longest));
            let text = self.written();
            if text.len() <= MAX_BODY_BYTES {
                return text;
            }
        }
        self.data = Map::new();
        self.written()
    }

    fn written(&self) -> String {
        // All keys are texts, so that nothing can fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The text of a member of `data`, as people read it.
    pub fn fact(&self, name: &str) -> Option<String> {
        let found = name.split('.').try_fold(None, |at: Option<&Value>, part| match at {
            None => self.data.get(part).map(Some),
            Some(value) => value.get(part).map(Some),
        })??;
        match found {
            Value::Null | Value::Array(_) | Value::Object(_) => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }
}

fn cut(value: &mut Value, longest: usize) {
    match value {
        Value::String(text) if text.len() > longest => {
            text.truncate(text.floor_char_boundary(longest));
            text.push('…');
        }
        Value::Array(all) => all.iter_mut().for_each(|value| cut(value, longest)),
        Value::Object(all) => all.values_mut().for_each(|value| cut(value, longest)),
        _ => {}
    }
}
