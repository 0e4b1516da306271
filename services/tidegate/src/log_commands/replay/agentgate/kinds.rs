//! Commands counted by kind.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::readable::ReadableCommand;
use crate::log_commands::replay::counts::CountKinds;

/// What has no kind that can be read.
const UNREADABLE: &str = "unreadable";

/// Commands by the name of their kind on the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommandKinds(BTreeMap<String, u64>);

impl CountKinds for CommandKinds {
    type Record = ReadableCommand;

    fn count(&mut self, record: &ReadableCommand) {
        let kind = record.kind.clone().unwrap_or_else(|| UNREADABLE.to_owned());
        *self.0.entry(kind).or_default() += 1;
    }

    fn add(&mut self, other: &Self) {
        for (kind, records) in &other.0 {
            *self.0.entry(kind.clone()).or_default() += records;
        }
    }

    fn total(&self) -> u64 {
        self.0.values().sum()
    }

    fn as_json(&self) -> Value {
        let kinds = self.0.iter().map(|(kind, records)| (kind.clone(), Value::from(*records)));
        let total = ("total".to_owned(), Value::from(self.total()));
        Value::Object(kinds.chain([total]).collect::<Map<_, _>>())
    }
}

/// `12 (4 lease, 8 submit)`.
impl fmt::Display for CommandKinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(|(kind, records)| format!("{records} {kind}")).collect();
        write!(f, "{}", self.total())?;
        if parts.is_empty() { Ok(()) } else { write!(f, " ({})", parts.join(", ")) }
    }
}
