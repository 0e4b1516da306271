//! Incidents: one ongoing trouble of one agent and kind, with the messages that follow from it.
//!
//! All ids are derived from what the incident is about, and all times are those at which something became true. Two
//! judges that see the same make the same incidents, messages and ids, whenever they see it.

use serde::{Deserialize, Serialize};
use tidegate_agentping::{AgentId, RunId};
use tidegate_kernel::Timestamp;

pub mod derived_id;
pub mod routing;
pub mod storm;
pub mod track;

pub use derived_id::{DeliveryId, IncidentId};
pub use routing::{AlertMessage, RoutePolicy};
pub use track::Track;

/// What an incident or a message is about, in the wire's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    ScheduleMissed,
    /// A slot that cannot be judged, where the schedule asks for it: a message without an incident.
    ScheduleUnknown,
    RunStuck,
    RunFailed,
    SpendAnomaly,
    CheckFailed,
    GuardBlocked,
    GuardWarning,
    /// A mark of the month's events.
    Quota,
    /// A further agent was refused, because the plan has no more.
    AgentLimit,
    UnpricedModel,
    RouteDisabled,
    /// Asked for by someone.
    Test,
    /// What a period had of all this: a mail route asks for it by a member of its own, and not by its kinds.
    Digest,
}

/// How grave it is, from the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertSeverity {
    Info,
    Warning,
    Error,
    Critical,
}

impl AlertKind {
    /// The kinds that a route can want.
    pub const ALL: [AlertKind; 13] = [
        AlertKind::ScheduleMissed,
        AlertKind::ScheduleUnknown,
        AlertKind::RunStuck,
        AlertKind::RunFailed,
        AlertKind::SpendAnomaly,
        AlertKind::CheckFailed,
        AlertKind::GuardBlocked,
        AlertKind::GuardWarning,
        AlertKind::Quota,
        AlertKind::AgentLimit,
        AlertKind::UnpricedModel,
        AlertKind::RouteDisabled,
        AlertKind::Test,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            AlertKind::ScheduleMissed => "schedule_missed",
            AlertKind::ScheduleUnknown => "schedule_unknown",
            AlertKind::RunStuck => "run_stuck",
            AlertKind::RunFailed => "run_failed",
            AlertKind::SpendAnomaly => "spend_anomaly",
            AlertKind::CheckFailed => "check_failed",
            AlertKind::GuardBlocked => "guard_blocked",
            AlertKind::GuardWarning => "guard_warning",
            AlertKind::Quota => "quota",
            AlertKind::AgentLimit => "agent_limit",
            AlertKind::UnpricedModel => "unpriced_model",
            AlertKind::RouteDisabled => "route_disabled",
            AlertKind::Test => "test",
            AlertKind::Digest => "digest",
        }
    }

    /// The kind with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Of its firing; a recovery is `info`. A quota that is exceeded, and a block by a pause of the whole team, are
    /// `critical`: their messages say so.
    pub const fn severity(self) -> AlertSeverity {
        match self {
            AlertKind::ScheduleMissed | AlertKind::RunStuck | AlertKind::RunFailed => AlertSeverity::Error,
            AlertKind::SpendAnomaly
            | AlertKind::CheckFailed
            | AlertKind::GuardBlocked
            | AlertKind::GuardWarning
            | AlertKind::Quota
            | AlertKind::AgentLimit
            | AlertKind::UnpricedModel
            | AlertKind::RouteDisabled => AlertSeverity::Warning,
            AlertKind::ScheduleUnknown | AlertKind::Test | AlertKind::Digest => AlertSeverity::Info,
        }
    }
}

impl AlertSeverity {
    pub const ALL: [AlertSeverity; 4] =
        [AlertSeverity::Info, AlertSeverity::Warning, AlertSeverity::Error, AlertSeverity::Critical];

    pub const fn as_str(self) -> &'static str {
        match self {
            AlertSeverity::Info => "info",
            AlertSeverity::Warning => "warning",
            AlertSeverity::Error => "error",
            AlertSeverity::Critical => "critical",
        }
    }

    /// The severity with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.as_str() == name)
    }
}

/// What brought something about: the slot or the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentOrigin {
    Slot(Timestamp),
    Run(RunId),
    /// A run of another agent, below one of the incident's agent.
    Child {
        /// The root: the run that none is above.
        run: RunId,
        child: RunId,
    },
}

impl IncidentOrigin {
    /// The run below another one.
    pub const fn child(&self) -> Option<RunId> {
        match self {
            IncidentOrigin::Child { child, .. } => Some(*child),
            IncidentOrigin::Slot(_) | IncidentOrigin::Run(_) => None,
        }
    }
}

/// Whose incidents these are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Its team's id is part of the derived ids, by way of the agent's.
    pub agent: AgentId,
    pub kind: AlertKind,
}

/// What happens to an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edge {
    Firing,
    /// One more slot or run of an open incident.
    Repeat,
    Resolved,
    /// Its state changes too often: one message, then silence until it is stable.
    Flapping,
    Reminder,
}

impl Edge {
    pub const fn as_str(self) -> &'static str {
        match self {
            Edge::Firing => "firing",
            Edge::Repeat => "repeat",
            Edge::Resolved => "resolved",
            Edge::Flapping => "flapping",
            Edge::Reminder => "reminder",
        }
    }
}

/// An edge of an incident, before any route is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IncidentEdge {
    pub incident: IncidentId,
    pub kind: AlertKind,
    pub edge: Edge,
    /// The slot or run of this edge.
    pub origin: IncidentOrigin,
    /// When it became true.
    pub timestamp: Timestamp,
    pub opened_at: Timestamp,
    /// Slots or runs in the incident so far.
    pub count: u32,
    /// Nothing but recoveries of what was sent is sent.
    pub is_quiet: bool,
}
