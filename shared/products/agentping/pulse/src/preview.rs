//! The next slots of a definition, as they would be judged.

use serde_json::Value;
use tidegate_kernel::Timestamp;

use crate::definition::{Definition, DefinitionFault, DefinitionFaultKind};
use crate::slots::Slot;

/// Slots of a preview, unless asked otherwise.
pub const DEFAULT_COUNT: u32 = 5;
/// The most slots of one preview.
pub const MAX_COUNT: u32 = 100;

/// The first `count` slots after `after` that no run covers: the very calculus that judges.
pub fn next_slots(definition: &Definition, after: Timestamp, count: u32) -> Vec<Slot> {
    let first = definition.slot_after(after);
    let slots = std::iter::successors(first, |slot| definition.slot_following(slot.at));
    slots.take(count.min(MAX_COUNT) as usize).collect()
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewRequest {
    pub schedule: Definition,
    /// Slots after this; `None`: after now.
    pub after: Option<Timestamp>,
    pub count: u32,
}

/// Why it cannot be answered. The text completes "Field 'x' ".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PreviewFault {
    #[error("must be a JSON object with the member schedule")]
    NoObject,
    #[error("is not known; a preview takes schedule, after, count")]
    UnknownMember(String),
    #[error("must be an object with the members of a schedule")]
    NoSchedule,
    #[error("must be an RFC 3339 timestamp such as 2026-05-15T14:32:01.123Z")]
    After,
    #[error("must be a whole number from 1 to {MAX_COUNT}")]
    Count,
    #[error(transparent)]
    Definition(#[from] DefinitionFault),
}

impl PreviewRequest {
    /// # Errors
    /// [`PreviewFault`]: the first member that is wrong.
    pub fn parse(body: &Value) -> Result<Self, PreviewFault> {
        let body = body.as_object().ok_or(PreviewFault::NoObject)?;
        if let Some(name) = body.keys().find(|name| !["schedule", "after", "count"].contains(&name.as_str())) {
            return Err(PreviewFault::UnknownMember(name.clone()));
        }
        let given = |name| body.get(name).filter(|value| !value.is_null());
        let schedule = given("schedule").and_then(Value::as_object).ok_or(PreviewFault::NoSchedule)?;
        let schedule = Definition::parse(schedule)?;
        let after = match given("after") {
            None => None,
            Some(value) => {
                let text = value.as_str().ok_or(PreviewFault::After)?;
                Some(Timestamp::parse(text).map_err(|_| PreviewFault::After)?)
            }
        };
        let count = match given("count") {
            None => DEFAULT_COUNT,
            Some(value) => {
                let count = value.as_u64().filter(|count| (1..=u64::from(MAX_COUNT)).contains(count));
                count.ok_or(PreviewFault::Count)? as u32
            }
        };
        Ok(PreviewRequest { schedule, after, count })
    }
}

impl PreviewFault {
    /// The path of the member to blame, such as `schedule.cron`; `None`: the body as a whole.
    pub fn field(&self) -> Option<String> {
        match self {
            PreviewFault::NoObject => None,
            PreviewFault::UnknownMember(name) => Some(name.clone()),
            PreviewFault::NoSchedule => Some("schedule".to_owned()),
            PreviewFault::After => Some("after".to_owned()),
            PreviewFault::Count => Some("count".to_owned()),
            PreviewFault::Definition(fault) => Some(format!("schedule.{}", fault.member)),
        }
    }

    /// Whether the fault is a member that is not known.
    pub fn is_unknown_member(&self) -> bool {
        match self {
            PreviewFault::UnknownMember(_) => true,
            PreviewFault::Definition(fault) => fault.what == DefinitionFaultKind::Unknown,
            _ => false,
        }
    }
}
