//! The roles of a distributed deployment, one process each: `tidegate ingest`, `persist`, `control`,
//! `pulse`, `agentgate serve`, `decide`.
//!
//! Start: the operations port (not ready yet), then the role's servers, waited for within `start_timeout_ms`, then
//! the role. Stop: not ready any more, the role, its jobs, its adapters, the operations port.

mod agentgate;
mod control;
mod decide;
mod ingest;
mod persist;
mod pulse;

use std::process::ExitCode;

use crate::cli::CommandApi;
use crate::config::{Config, Purpose};
use crate::failure::Failure;
use crate::process;

/// Runs a front door until a signal.
///
/// # Errors
/// Why it could not start, and what to do about it.
pub fn ingest(config: Config) -> Result<ExitCode, Failure> {
    process::run(config, ("ingest", Purpose::Ingest), ingest::live)
}

/// Runs a persister until a signal.
///
/// # Errors
/// Why it could not start, and what to do about it.
pub fn persist(config: Config) -> Result<ExitCode, Failure> {
    process::run(config, ("persist", Purpose::Persist), persist::live)
}

/// Judges schedules and runs until a signal.
///
/// # Errors
/// Why it could not start, and what to do about it.
pub fn pulse(config: Config) -> Result<ExitCode, Failure> {
    process::run(config, ("pulse", Purpose::Pulse), pulse::live)
}

/// Runs the read API until a signal.
///
/// # Errors
/// Why it could not start, and what to do about it.
pub fn control(config: Config) -> Result<ExitCode, Failure> {
    process::run(config, ("control", Purpose::Control), control::live)
}

/// Runs a front door of AgentGate until a signal.
///
/// # Errors
/// Why it could not start, and what to do about it.
pub fn agentgate(config: Config) -> Result<ExitCode, Failure> {
    process::run(config, ("agentgate", Purpose::AgentGate), agentgate::live)
}

/// Runs a decider until a signal.
///
/// # Errors
/// Why it could not start, and what to do about it.
pub fn decide(config: Config, api: CommandApi) -> Result<ExitCode, Failure> {
    match api {
        CommandApi::AgentGate => process::run(config, ("decide", Purpose::Decide), decide::live),
    }
}
