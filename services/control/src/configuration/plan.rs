//! What a file changes, and what is wrong with it.

use serde::Serialize;
use serde_json::{Map, Value};
use tidegate_agentping::Slug;
use tidegate_agentping_settings::configuration::{ConfigFault, ConfigText};
use tidegate_agentping_settings::fields::{SettingFault, joined};
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::{DocumentWrite, MAX_WRITES};
use utoipa::ToSchema;

use crate::problem::Problem;

/// One change.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct ConfigChange {
    #[schema(value_type = String, pattern = "^(create|update|delete)$")]
    op: &'static str,
    #[schema(example = "agents.daily-summary.schedule")]
    what: String,
    /// Of an update: the member.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, example = "tolerance_s")]
    field: Option<String>,
    /// Its value before; absent if it was not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Value, required = false)]
    from: Option<Value>,
    /// Its value after; absent if it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Value, required = false)]
    to: Option<Value>,
}

/// Collects changes, writes and faults.
pub(super) struct Planner<'t> {
    text: &'t ConfigText,
    pub now: Timestamp,
    pub prune: bool,
    pub changes: Vec<ConfigChange>,
    pub writes: Vec<DocumentWrite>,
    /// Agents that are to be made.
    pub agents: Vec<Slug>,
    /// The names of all routes, those of the file included.
    pub routes: Vec<SmolStr>,
    faults: Vec<ConfigFault>,
}

impl<'t> Planner<'t> {
    pub fn new(text: &'t ConfigText, now: Timestamp, prune: bool) -> Self {
        let (changes, writes) = (Vec::new(), Vec::new());
        Planner { text, now, prune, changes, writes, agents: Vec::new(), routes: Vec::new(), faults: Vec::new() }
    }

    pub fn fault(&mut self, fault: &SettingFault) {
        self.faults.push(self.text.fault(fault));
    }

    /// Those of an object at `path`.
    pub fn faults(&mut self, path: &str, faults: Vec<SettingFault>) {
        for fault in faults {
            self.fault(&fault.within(path));
        }
    }

    pub fn created(&mut self, what: String) {
        self.changes.push(ConfigChange { op: "create", what, field: None, from: None, to: None });
    }

    pub fn deleted(&mut self, what: String) {
        self.changes.push(ConfigChange { op: "delete", what, field: None, from: None, to: None });
    }

    /// Member by member; those of objects within by their paths.
    pub fn updated(&mut self, what: &str, before: &Map<String, Value>, after: &Map<String, Value>) {
        self.differences(what, "", before, after);
    }

    /// A secret is another one. Its values are not shown.
    pub fn secret_changed(&mut self, what: &str, field: &str) {
        let (what, field) = (what.to_owned(), Some(field.to_owned()));
        self.changes.push(ConfigChange { op: "update", what, field, from: None, to: None });
    }

    fn differences(&mut self, what: &str, path: &str, before: &Map<String, Value>, after: &Map<String, Value>) {
        let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let path = joined(path, name);
            match (before.get(name), after.get(name)) {
                (Some(Value::Object(before)), Some(Value::Object(after))) => {
                    self.differences(what, &path, before, after);
                }
                (from, to) if from != to => {
                    let (from, to) = (from.cloned(), to.cloned());
                    let what = what.to_owned();
                    self.changes.push(ConfigChange { op: "update", what, field: Some(path), from, to });
                }
                _ => {}
            }
        }
    }

    /// Itself, if the file has no fault.
    ///
    /// # Errors
    /// [`Problem::ConfigInvalid`].
    pub fn checked(mut self) -> Result<Self, Problem> {
        // With the audit entry, and the note of the mail addresses that are asked.
        if self.writes.len() + 1 >= MAX_WRITES {
            let text = format!("changes more than {MAX_WRITES} documents at once: apply it in parts");
            self.fault(&SettingFault::at("", text));
        }
        if self.faults.is_empty() {
            return Ok(self);
        }
        self.faults.sort_by_key(|fault| fault.line);
        Err(Problem::ConfigInvalid(self.faults))
    }
}
