//! What the outbox takes: one thing that people are to know.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tidegate_agentping::{Slug, TeamId};
use tidegate_agentping_pulse::{AlertKind, AlertMessage, AlertSeverity, DeliveryId, Edge, IncidentId};
use tidegate_kernel::{SmolStr, Timestamp};

/// Something happened. The same event again, from whomever, changes nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertEvent {
    pub team: TeamId,
    /// Its [key](tidegate_agentping::names): messages say the name that it has when they are made. `None`: it is about the
    /// team.
    pub agent: Option<Slug>,
    pub kind: AlertKind,
    pub edge: MessageEdge,
    pub severity: AlertSeverity,
    /// When it became true.
    pub timestamp: Timestamp,
    pub incident: Option<IncidentId>,
    /// The message's own members, in their order (see `docs/alerts.md`).
    pub data: Map<String, Value>,
    pub to: Addressees,
}

/// To whom it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addressees {
    /// To one route that was chosen already, by its id.
    Route { route: SmolStr, delivery: DeliveryId },
    /// To each route of the agent, or of the team, that wants it. The key names the event within its team and kind: it
    /// makes the ids of the messages.
    Subscribed { key: String },
    /// To each route of the team that serves and wants it, but for this one.
    AllBut { route: SmolStr, key: String },
}

/// Which moment a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageEdge {
    Firing,
    Resolved,
    /// One more slot or run of an open incident.
    Repeat,
    Reminder,
    Flapping,
    /// Several openings of one route and minute.
    Group,
    /// A mute has ended, and this is still so.
    Unmuted,
    /// Someone asked for it.
    Test,
    /// A period is over.
    Digest,
}

impl MessageEdge {
    pub const fn as_str(self) -> &'static str {
        match self {
            MessageEdge::Firing => "firing",
            MessageEdge::Resolved => "resolved",
            MessageEdge::Repeat => "repeat",
            MessageEdge::Reminder => "reminder",
            MessageEdge::Flapping => "flapping",
            MessageEdge::Group => "group",
            MessageEdge::Unmuted => "unmuted",
            MessageEdge::Test => "test",
            MessageEdge::Digest => "digest",
        }
    }

    /// The message's `status`.
    pub const fn status(self) -> &'static str {
        if matches!(self, MessageEdge::Resolved) { "resolved" } else { "firing" }
    }
}

impl From<Edge> for MessageEdge {
    fn from(edge: Edge) -> Self {
        match edge {
            Edge::Firing => MessageEdge::Firing,
            Edge::Repeat => MessageEdge::Repeat,
            Edge::Resolved => MessageEdge::Resolved,
            Edge::Flapping => MessageEdge::Flapping,
            Edge::Reminder => MessageEdge::Reminder,
        }
    }
}

impl AlertEvent {
    /// A message of the judge. `data` has the members of its kind; `folded`, and of a recovery `resolved_at` and `down_s`,
    /// are added here.
    pub fn of_message(team: TeamId, agent: Slug, message: &AlertMessage, mut data: Map<String, Value>) -> Self {
        if message.folded > 0 || message.kind == AlertKind::ScheduleMissed {
            data.insert("folded".to_owned(), message.folded.into());
        }
        if message.is_broken_for_long {
            data.insert("broken_for_long".to_owned(), true.into());
        }
        if let Some(down_s) = message.down_s() {
            data.insert("resolved_at".to_owned(), message.timestamp.to_string().into());
            data.insert("down_s".to_owned(), down_s.into());
        }
        AlertEvent {
            team,
            agent: Some(agent),
            kind: message.kind,
            edge: message.edge.into(),
            severity: message.severity,
            timestamp: message.timestamp,
            incident: Some(message.incident),
            data,
            to: Addressees::Route { route: message.route.clone(), delivery: message.id },
        }
    }
}
