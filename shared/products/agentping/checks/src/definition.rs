//! A check's definition: its members, their bounds, and what is wrong with one.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tidegate_agentping::Plan;
use tidegate_agentping_settings::fields::{Fields, SettingFault, flag, name, whole};
use tidegate_kernel::{SmolStr, Timestamp};

use crate::members::{CheckKind, starts_with_plan};

/// Checks of an agent at most.
pub const MAX_CHECKS: usize = 20;

/// A check's document; its name is the check's id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckDoc {
    /// The agent's slug.
    pub agent: SmolStr,
    /// One of its kind among the agent's checks.
    pub name: SmolStr,
    pub enabled: bool,
    pub when: CheckWhen,
    /// Failures in a row that open an incident.
    pub alert_after: u16,
    /// 1 at first, and one more with each change.
    pub version: u32,
    /// The members of its type, as they were given.
    pub members: Map<String, Value>,
    #[serde(rename = "created_at_ms")]
    pub created_at: Timestamp,
    /// When this version was made. Only runs that end later are judged by it.
    #[serde(rename = "since_ms")]
    pub since: Timestamp,
    /// An apply of a configuration made it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub applied: bool,
}

/// Which ends of a run are judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckWhen {
    /// A run that ends with `success`.
    #[default]
    Success,
    /// Every one.
    Finished,
}

/// What is wrong with a check.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckFault {
    #[error(transparent)]
    Member(#[from] SettingFault),
    /// The team's plan does not have it: the member that asks for it.
    #[error(
        "is part of the plans Team, Business and Enterprise; Starter has length, required_fields and regex of at most {} characters",
        crate::members::STARTER_PATTERN_CHARS
    )]
    Plan { member: &'static str },
}

/// Members that all checks have.
const COMMON: [&str; 5] = ["name", "enabled", "when", "alert_after", "type"];

impl CheckDoc {
    /// The bounds of `alert_after`.
    pub const ALERT_AFTER: (u32, u32) = (1, 720);

    /// A new check of an agent.
    ///
    /// # Errors
    /// [`CheckFault`]: the first member that is wrong, or that the plan does not have.
    pub fn parse(agent: &str, given: &Value, plan: Plan, now: Timestamp) -> Result<Self, CheckFault> {
        let mut doc = CheckDoc {
            agent: agent.into(),
            name: SmolStr::default(),
            enabled: true,
            when: CheckWhen::Success,
            alert_after: 1,
            version: 1,
            members: Map::new(),
            created_at: now,
            since: now,
            applied: false,
        };
        doc.set(given, plan)?;
        Ok(doc)
    }

    /// Changes the members that are given; `null` unsets. It is a new version from `now` on, unless nothing changes.
    ///
    /// # Errors
    /// As [`CheckDoc::parse`].
    pub fn change(&mut self, given: &Value, plan: Plan, now: Timestamp) -> Result<(), CheckFault> {
        let Some(changes) = given.as_object() else { return Err(SettingFault::at("", "must be a JSON object").into()) };
        let mut whole = self.members.clone();
        // A check of another type has other members.
        if changes.get("type").is_some_and(|kind| Some(kind) != whole.get("type")) {
            whole.clear();
        }
        whole.extend(self.common());
        for (name, value) in changes {
            match value {
                Value::Null => _ = whole.remove(name),
                value => _ = whole.insert(name.clone(), value.clone()),
            }
        }
        let mut changed = self.clone();
        changed.set(&Value::Object(whole), plan)?;
        if changed != *self {
            changed.version = changed.version.saturating_add(1);
            changed.since = now;
            *self = changed;
        }
        Ok(())
    }

    /// The same with other members of its type, for a trial.
    ///
    /// # Errors
    /// As [`CheckDoc::parse`].
    pub fn tried(&self, definition: &Value, plan: Plan) -> Result<Self, CheckFault> {
        let mut tried = self.clone();
        tried.change(definition, plan, self.since).map_err(|fault| match fault {
            CheckFault::Member(fault) => CheckFault::Member(fault.within("definition")),
            plan @ CheckFault::Plan { .. } => plan,
        })?;
        Ok(tried)
    }

    fn set(&mut self, given: &Value, plan: Plan) -> Result<(), CheckFault> {
        let kind = given.get("type").cloned().unwrap_or_default();
        let own = CheckKind::members_of(&kind)?;
        let known: Vec<&str> = COMMON.iter().chain(own).copied().collect();
        let fields = Fields::of(given, "", &known)?;
        self.name = fields.need("name", name)?;
        self.enabled = fields.read("enabled", flag)?.unwrap_or(true);
        self.when = fields.read("when", when)?.unwrap_or_default();
        let (least, most) = Self::ALERT_AFTER;
        let in_a_row = fields.read("alert_after", whole(least, most))?;
        self.alert_after = in_a_row.and_then(|times| u16::try_from(times).ok()).unwrap_or(1);
        CheckKind::parse(&fields, &kind)?;
        let is_own = |(name, value): &(&String, &Value)| {
            !value.is_null() && (name.as_str() == "type" || own.contains(&name.as_str()))
        };
        let members = given.as_object().into_iter().flatten().filter(is_own);
        self.members = members.map(|(name, value)| (name.clone(), value.clone())).collect();
        match plan {
            Plan::Starter => starts_with_plan(&self.members).map_err(|member| CheckFault::Plan { member }),
            Plan::Team | Plan::Business | Plan::Enterprise(_) => Ok(()),
        }
    }

    /// The members that all checks have, as people write them, without the type.
    pub fn common(&self) -> Map<String, Value> {
        let when = if self.when == CheckWhen::Success { "success" } else { "finished" };
        Map::from_iter([
            ("name".to_owned(), Value::from(self.name.as_str())),
            ("enabled".to_owned(), Value::from(self.enabled)),
            ("when".to_owned(), Value::from(when)),
            ("alert_after".to_owned(), Value::from(self.alert_after)),
        ])
    }
}

fn when(value: &Value, path: &str) -> Result<CheckWhen, SettingFault> {
    match value.as_str() {
        Some("success") => Ok(CheckWhen::Success),
        Some("finished") => Ok(CheckWhen::Finished),
        _ => Err(SettingFault::at(path, "must be 'success' or 'finished'")),
    }
}
