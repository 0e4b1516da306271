//! Reads the members of a definition by name and type.

use serde_json::{Map, Value};

use super::{DefinitionFault, DefinitionFaultKind};

/// All members, in the order of the reference.
pub(super) const NAMES: [&str; 10] = [
    "cron",
    "every_s",
    "timezone",
    "tolerance_s",
    "max_runtime_s",
    "alert_after",
    "recover_after",
    "unknown_alerts",
    "start_unseen",
    "enabled",
];

pub(super) fn fault(member: &str, what: impl Into<DefinitionFaultKind>) -> DefinitionFault {
    DefinitionFault { member: member.to_owned(), what: what.into() }
}

/// Members all of whose names are known.
pub(super) struct Members<'g>(&'g Map<String, Value>);

impl<'g> Members<'g> {
    pub fn of(given: &'g Map<String, Value>) -> Result<Self, DefinitionFault> {
        match given.keys().find(|name| !NAMES.contains(&name.as_str())) {
            Some(name) => Err(fault(name, DefinitionFaultKind::Unknown)),
            None => Ok(Members(given)),
        }
    }

    /// `null` is as good as absent.
    fn get(&self, name: &str) -> Option<&'g Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub fn whole(&self, name: &str, (least, most): (u32, u32)) -> Result<Option<u32>, DefinitionFault> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        let number = number.filter(|number| (least..=most).contains(number));
        number.map(Some).ok_or_else(|| fault(name, DefinitionFaultKind::Range { least, most }))
    }

    pub fn text(&self, name: &str) -> Result<Option<&'g str>, DefinitionFault> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_str().map(Some).ok_or_else(|| fault(name, DefinitionFaultKind::Type("text")))
    }

    pub fn flag(&self, name: &str) -> Result<Option<bool>, DefinitionFault> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| fault(name, DefinitionFaultKind::Type("true or false")))
    }
}
