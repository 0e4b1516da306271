//! Commands about a distributed deployment as a whole: its schema, its topics, rebuilding a store from the log,
//! comparing two.

mod compare;
mod migrate;
mod progress;
mod rebuild;
mod topics;
mod up_to;

use std::future::Future;
use std::process::ExitCode;

use tidegate_telemetry::{LogSettings, logs};

use crate::cli::{CompareArgs, TopicsCommand};
use crate::config::Config;
use crate::page::Page;

pub use rebuild::rebuild;

/// Brings the keyspace's schema up to date, or says what that would do.
///
/// # Errors
/// What is wrong, and the way out.
pub fn migrate(config: &Config, dry_run: bool) -> Result<ExitCode, String> {
    at_once(config, migrate::migrate(config, dry_run, Page::output()))
}

/// Makes or checks the topics.
///
/// # Errors
/// What is wrong, and the way out.
pub fn topics(config: &Config, command: &TopicsCommand) -> Result<ExitCode, String> {
    at_once(config, topics::topics(config, command, Page::output()))
}

/// Compares two keyspaces: 0 when they are equal.
///
/// # Errors
/// They cannot be compared.
pub fn compare(config: &Config, args: &CompareArgs) -> Result<ExitCode, String> {
    at_once(config, compare::compare(config, args, Page::output()))
}

/// Runs one command to its end. Waiting for servers is told on standard error, answers go to standard output.
///
/// # Errors
/// The command's.
pub fn at_once(config: &Config, work: impl Future<Output = Result<ExitCode, String>>) -> Result<ExitCode, String> {
    logs::install(&quiet(config)).map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    runtime.block_on(work)
}

/// A driver's grumbling is none of a command's answer; what fails is told as the error. An explicit level stands.
pub fn quiet(config: &Config) -> LogSettings {
    let mut settings = config.telemetry.clone();
    if !config.is_set("telemetry.level") {
        settings.level = "warn,librdkafka=error,scylla=error,tidegate=info,tidegate_scylla=info".to_owned();
    }
    settings
}
