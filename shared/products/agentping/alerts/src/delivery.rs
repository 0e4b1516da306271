//! A message to one route, as it is stored, and how far it is.

use serde::{Deserialize, Serialize};
use tidegate_agentping::{Slug, TeamId};
use tidegate_agentping_pulse::{AlertKind, AlertSeverity, DeliveryId, IncidentId};
use tidegate_kernel::{SmolStr, Timestamp};

use crate::event::MessageEdge;

/// A message to one route. It never changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeliveryDoc {
    pub id: DeliveryId,
    pub team: TeamId,
    pub route: SmolStr,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentId>,
    pub alert: AlertKind,
    pub agent: Option<Slug>,
    pub edge: MessageEdge,
    pub severity: AlertSeverity,
    /// When what it says became true.
    #[serde(rename = "timestamp_ms")]
    pub timestamp: Timestamp,
    #[serde(rename = "made_at_ms")]
    pub made_at: Timestamp,
    /// How it began.
    pub began: Began,
    /// Of a group: the openings that it stands for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<GroupMember>,
    /// The generic body (see [`crate::body`]).
    pub body: String,
}

/// How a message begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Began {
    Waiting,
    /// It is sent when the mute ends.
    Withheld,
    /// It is not sent, unless someone asks for it.
    Muted,
    /// A group stands for it: it is in no list, and in no sum.
    Grouped,
    /// It asks a mail address for its confirmation: it is in no list, and in no sum.
    Asking,
}

/// An opening within a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupMember {
    pub id: DeliveryId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentId>,
}

/// What of a message is listed and waits, without its texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryRef {
    pub id: DeliveryId,
    pub team: TeamId,
    pub route: SmolStr,
    #[serde(rename = "timestamp_ms")]
    pub timestamp: Timestamp,
    #[serde(rename = "made_at_ms")]
    pub made_at: Timestamp,
    pub edge: MessageEdge,
    /// The incidents that it is about. Messages to one route about one incident go in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incidents: Vec<IncidentId>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_muted: bool,
    /// The next try, where one failed or it was asked for.
    #[serde(rename = "due_ms", default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// When it was asked for again: its row among what waits is there, and not where it was made.
    #[serde(rename = "asked_at_ms", default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<Timestamp>,
}

/// How far a message is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryProgress {
    pub state: DeliveryState,
    #[serde(rename = "next_try_at_ms", default, skip_serializing_if = "Option::is_none")]
    pub next_try_at: Option<Timestamp>,
    /// Why there was no further try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default)]
    pub tries: Vec<DeliveryTry>,
    /// Tries before it was last asked for again: the table of pauses counts from there.
    #[serde(default)]
    pub before: usize,
    /// The rank of this row. A later one is higher.
    #[serde(default)]
    pub rank: u64,
}

/// Where a message is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    #[default]
    Waiting,
    Sent,
    Failed,
    Muted,
}

/// One try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryTry {
    #[serde(rename = "at_ms")]
    pub at: Timestamp,
    /// Of HTTP, or of an SMTP reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The first KiB of the answer, without the secrets of its route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    pub took_ms: u64,
}

/// Tries that are kept of a message.
pub const MAX_TRIES_KEPT: usize = 40;

impl DeliveryDoc {
    pub fn to_ref(&self) -> DeliveryRef {
        DeliveryRef {
            id: self.id,
            team: self.team,
            route: self.route.clone(),
            timestamp: self.timestamp,
            made_at: self.made_at,
            edge: self.edge,
            incidents: self
                .incident
                .into_iter()
                .chain(self.members.iter().filter_map(|member| member.incident))
                .collect(),
            is_muted: self.began == Began::Muted,
            due: None,
            asked_at: None,
        }
    }

    /// Where it is before any progress is stored.
    pub fn first_state(&self) -> DeliveryState {
        if self.began == Began::Muted { DeliveryState::Muted } else { DeliveryState::Waiting }
    }

    /// Whether it is listed and counted.
    pub const fn is_listed(&self) -> bool {
        !matches!(self.began, Began::Grouped | Began::Asking)
    }
}

impl DeliveryState {
    pub const fn as_str(self) -> &'static str {
        match self {
            DeliveryState::Waiting => "waiting",
            DeliveryState::Sent => "sent",
            DeliveryState::Failed => "failed",
            DeliveryState::Muted => "muted",
        }
    }

    pub const fn is_finished(self) -> bool {
        !matches!(self, DeliveryState::Waiting)
    }
}

impl DeliveryProgress {
    /// One more try.
    pub fn tried(&mut self, one: DeliveryTry) {
        self.tries.push(one);
        if self.tries.len() > MAX_TRIES_KEPT {
            self.tries.remove(0);
            self.before = self.before.saturating_sub(1);
        }
    }

    /// Tries since it was made, or was last asked for again.
    pub fn tries_now(&self) -> u32 {
        u32::try_from(self.tries.len().saturating_sub(self.before)).unwrap_or(u32::MAX)
    }
}
