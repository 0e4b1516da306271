//! `tidegate config import`: a file of another program as a configuration.

use std::path::Path;
use std::process::ExitCode;

use tidegate_agentping_settings::import::{ImportKind, import};

use super::text_of;
use crate::cli::ImportFrom;
use crate::console::Console;
use crate::failure::Failure;

/// Writes the configuration, and says what could not be taken over.
///
/// # Errors
/// The file cannot be read or is of another kind, or the output cannot be written.
pub fn run(
    kind: ImportFrom,
    (file, output): (&Path, Option<&Path>),
    timezone: &str,
    is_system: bool,
) -> Result<ExitCode, Failure> {
    let (kind, name) = match kind {
        ImportFrom::Crontab => (ImportKind::Crontab { is_system }, "crontab"),
        ImportFrom::Healthchecks => (ImportKind::Healthchecks, "list of Healthchecks"),
        ImportFrom::Cronitor => (ImportKind::Cronitor, "list of Cronitor"),
    };
    let text = text_of(file)?;
    let imported = import(kind, &text, timezone)
        .map_err(|fault| Failure::config(format!("{} is no {name}: it {fault}", file.display())))?;
    let mut errors = Console::errors();
    for note in &imported.notes {
        errors.line(format_args!("{note}"));
    }
    match output {
        None => Console::output().text(&imported.yaml),
        Some(path) => {
            std::fs::write(path, &imported.yaml).map_err(|error| {
                Failure::config(format!("{} cannot be written: {error}", path.display())).caused_by(error)
            })?;
            errors.line(format_args!("{} agents are in {}", imported.agents, path.display()));
        }
    }
    Ok(ExitCode::SUCCESS)
}
