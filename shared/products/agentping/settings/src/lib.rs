//! What a team sets: agents, schedules, pauses, mutes, routes, guard rules, checks. As stored documents, and as those read
//! them who decide by them.
//!
//! A document's space is the text of its team's id. An operator's state (pauses, mutes, tokens) has documents of its own,
//! so that no configuration can touch it.

pub mod agent;
pub mod audit;
pub mod badge;
pub mod configuration;
pub mod digest;
pub mod fields;
pub mod guard;
pub mod import;
pub mod kinds;
pub mod mail_questions;
pub mod pause;
pub mod route;
pub mod routing;
pub mod rule;
pub mod schedule;
pub mod team;

pub use agent::{AgentDoc, AgentRoutes, Maintenance};
pub use audit::AuditDoc;
pub use badge::{BadgeDoc, BadgeId};
pub use digest::{DigestEvery, DigestSpan, RouteDigest};
pub use fields::{Fields, Patch, SettingFault};
pub use guard::{GuardCheck, GuardEvent, GuardEventKind, GuardVerdict};
pub use mail_questions::{MailQuestionLimit, MailQuestions};
pub use pause::{MuteDoc, MuteRequest, PauseDoc, PauseRequest, PauseSpan};
pub use route::{MailTarget, RouteDisabled, RouteDoc, RouteId, RouteTarget, SecretText, WebhookTarget};
pub use rule::{GuardRuleId, RuleAction, RuleDoc, RuleMatch};
pub use schedule::{ScheduleDoc, TimedChange};
pub use team::{TeamDoc, TeamSettings};
