//! What waits, as rows: to be sent, to be grouped, or for the end of a mute.

use serde::{Deserialize, Serialize};
use tidegate_agentping::{Slug, TeamId};
use tidegate_agentping_pulse::{AlertKind, AlertSeverity, IncidentId};
use tidegate_kernel::{SmolStr, Timestamp};

use crate::delivery::{DeliveryDoc, DeliveryRef};

/// A row of [`crate::rows::OUTBOX`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outstanding {
    /// An opening, which becomes a message of its own or part of a group a moment later.
    Staged(Box<DeliveryDoc>),
    Delivery(DeliveryRef),
}

/// How long an opening waits for others.
pub const STAGED_MS: i64 = 5_000;

impl Outstanding {
    /// When it is due if nothing was tried yet.
    pub fn due(&self) -> Timestamp {
        match self {
            Outstanding::Staged(doc) => doc.made_at.plus_millis(STAGED_MS),
            Outstanding::Delivery(one) => one.due.unwrap_or(one.made_at),
        }
    }

    pub fn to_ref(&self) -> DeliveryRef {
        match self {
            Outstanding::Staged(doc) => doc.to_ref(),
            Outstanding::Delivery(one) => one.clone(),
        }
    }
}

/// A row of [`crate::rows::WITHHELD`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Withheld {
    pub team: TeamId,
    pub route: SmolStr,
    pub agent: Option<Slug>,
    pub what: WithheldWhat,
    pub rank: u64,
}

/// What waits for the end of a mute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WithheldWhat {
    /// If the incident is still open then, one message says so. `since_ms`: its first message that was muted.
    Incident { incident: IncidentId, since_ms: Timestamp },
    /// A recovery of what was sent.
    Message(DeliveryRef),
}

impl Withheld {
    /// The second part of its row's name.
    pub fn name(&self) -> String {
        match &self.what {
            WithheldWhat::Incident { incident, .. } => incident.text().as_str().to_owned(),
            WithheldWhat::Message(one) => one.id.text().as_str().to_owned(),
        }
    }
}

/// A row of [`crate::rows::OPEN_ALERTS`]: an incident of a route that is open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenAlert {
    pub agent: Option<Slug>,
    pub alert: AlertKind,
    pub severity: AlertSeverity,
    #[serde(rename = "timestamp_ms")]
    pub timestamp: Timestamp,
    /// The route got something of it, or will.
    pub is_sent: bool,
    /// The last generic body.
    pub body: String,
    pub rank: u64,
}
