//! The rules of AgentPing's schedules: when runs are expected, which runs cover them, and which incidents, messages and
//! spend alerts follow.
//!
//! Everything here is pure: no I/O, no async, no clock. A verdict is a function of stored runs, of the history of
//! definitions, and of the instant up to which the log has been applied.

pub mod agent;
pub mod coverage;
pub mod cron;
pub mod definition;
pub mod doubt;
pub mod incident;
pub mod open_runs;
pub mod preview;
pub mod runs;
pub mod slots;
pub mod spend;
pub mod watched;
pub mod watermark;
pub mod zone;

pub use agent::{AgentJudge, EndedRun};
pub use coverage::{Coverage, ScheduleChange, SlotDecision};
pub use cron::{Cron, CronFault};
pub use definition::{Definition, DefinitionFault};
pub use doubt::{CanaryWatch, Doubt, DoubtReason, Doubts, VolumeWatch, canary_team};
pub use incident::{
    AlertKind, AlertMessage, AlertSeverity, DeliveryId, Edge, IncidentEdge, IncidentId, IncidentOrigin, RoutePolicy,
};
pub use runs::{OpenedRun, SlotOutcome};
pub use slots::{Slot, Timing};
pub use watched::{Alerting, Judgement};
pub use watermark::Watermark;
pub use zone::{Zone, ZoneFault};
