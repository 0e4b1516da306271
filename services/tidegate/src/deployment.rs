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
use crate::console::Console;
use crate::failure::Failure;

pub use rebuild::rebuild;

/// Brings the keyspace's schema up to date, or says what that would do.
///
/// # Errors
/// What is wrong, and what to do about it.
pub fn migrate(config: &Config, dry_run: bool) -> Result<ExitCode, Failure> {
    at_once(config, migrate::migrate(config, dry_run, Console::output()))
}

/// Makes or checks the topics.
///
/// # Errors
/// What is wrong, and what to do about it.
pub fn topics(config: &Config, command: &TopicsCommand) -> Result<ExitCode, Failure> {
    at_once(config, topics::topics(config, command, Console::output()))
}

/// Compares two keyspaces: 0 when they are equal.
///
/// # Errors
/// They cannot be compared.
pub fn compare(config: &Config, args: &CompareArgs) -> Result<ExitCode, Failure> {
    at_once(config, compare::compare(config, args, Console::output()))
}

/// Runs one command to its end. Lines about waiting for servers go to standard error, answers to standard output.
///
/// # Errors
/// The command's.
pub fn at_once(config: &Config, work: impl Future<Output = Result<ExitCode, Failure>>) -> Result<ExitCode, Failure> {
    logs::install(&quiet(config))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot_start)?;
    runtime.block_on(work)
}

/// The runtime of a command could not be made.
pub fn cannot_start(error: std::io::Error) -> Failure {
    Failure::unavailable(format!("cannot start: {error}"))
        .or_else("see the limits of threads and open files (ulimit -a)")
        .caused_by(error)
}

/// Log settings of a command: without the drivers' warnings, which are no part of its answer; a failure is printed as
/// the error. A level that was set is kept.
pub fn quiet(config: &Config) -> LogSettings {
    let mut settings = config.telemetry.clone();
    if !config.is_set("telemetry.level") {
        settings.level = "warn,librdkafka=error,scylla=error,tidegate=info,tidegate_scylla=info".to_owned();
    }
    settings
}
