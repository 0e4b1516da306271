//! `tidegate rebuild`: the store is a function of the log, so the log read once more gives the same store.

mod agentgate;
mod agentping;
mod new_keyspace;
mod reading;
mod young_deliveries;

use std::process::ExitCode;

use crate::cli::{Api, RebuildArgs};
use crate::config::{Config, Purpose};
use crate::console::Console;
use crate::failure::Failure;
use crate::process;

/// Reads the whole log into an empty keyspace: 0 when all of it was read and applied.
///
/// # Errors
/// Why it cannot be done, and what to do about it.
pub fn rebuild(config: Config, args: RebuildArgs) -> Result<ExitCode, Failure> {
    let RebuildArgs { into, api, only_keys, .. } = args;
    let config = Config { telemetry: super::quiet(&config), ..config };
    let console = Console::output();
    match (api, only_keys) {
        (Api::AgentPing, false) => {
            process::run(config, ("rebuild", Purpose::Rebuild), |config, _| agentping::live(config, into, console))
        }
        (Api::AgentPing, true) => Err(Failure::config("--only-keys copies data keys, which AgentPing has none of")
            .or_else("add --api agentgate, or leave it out")),
        (Api::AgentGate, false) => {
            process::run(config, ("rebuild", Purpose::Rebuild), |config, _| agentgate::live(config, into, console))
        }
        (Api::AgentGate, true) => super::at_once(&config, agentgate::only_keys(&config, &into, console)),
    }
}
