//! Files of other programs that watch jobs, made into a configuration: a crontab, and what Healthchecks and Cronitor export.
//!
//! Nothing is applied, and nothing is guessed silently: what could not be taken over, or not as it was, is a note.

mod cronitor;
mod crontab;
mod draft;
mod healthchecks;

use serde_json::{Map, Value};

use crate::configuration::{ConfigText, yaml};
use draft::Drafts;

/// What a file is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportKind {
    /// `crontab -l`. In a system's crontab (`/etc/crontab`) each line names its user.
    Crontab { is_system: bool },
    /// `GET /api/v3/checks/`, as JSON.
    Healthchecks,
    /// `GET /api/monitors`, as JSON or YAML.
    Cronitor,
}

/// A configuration with what is to be known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The file, as `apply` takes it.
    pub yaml: String,
    pub agents: usize,
    /// What was left out or changed, each in a line.
    pub notes: Vec<String>,
}

/// Why a file is none of its kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportFault {
    #[error("cannot be read at line {line}: {message}")]
    Unreadable { line: usize, message: String },
    #[error("has no '{0}', which such a file has: export it again, or give another kind")]
    Missing(&'static str),
}

/// Makes a configuration of a file. `timezone` holds where the file names none.
///
/// # Errors
/// [`ImportFault`]: the file is none of this kind.
pub fn import(kind: ImportKind, text: &str, timezone: &str) -> Result<Imported, ImportFault> {
    let mut drafts = Drafts::default();
    match kind {
        ImportKind::Crontab { is_system } => crontab::read(text, is_system, timezone, &mut drafts),
        ImportKind::Healthchecks => healthchecks::read(&parsed(text)?, timezone, &mut drafts)?,
        ImportKind::Cronitor => cronitor::read(&parsed(text)?, timezone, &mut drafts)?,
    }
    let Drafts { agents, notes } = drafts;
    let count = agents.len();
    let mut whole = Map::new();
    whole.insert("version".to_owned(), 1.into());
    whole.insert("agents".to_owned(), Value::Object(agents));
    Ok(Imported { yaml: yaml(&whole), agents: count, notes })
}

/// JSON, or YAML.
fn parsed(text: &str) -> Result<Value, ImportFault> {
    if let Ok(value) = serde_json::from_str(text) {
        return Ok(value);
    }
    let unreadable = |line, message| ImportFault::Unreadable { line, message };
    ConfigText::parse(text).map(|text| text.value).map_err(|fault| unreadable(fault.line, fault.message))
}
