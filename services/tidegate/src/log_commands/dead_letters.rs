//! `tidegate dead-letters`: records that could not be applied, with all that is known of each.

mod about;
mod dead_letter_json;
mod list;
mod printable;
mod show;

use std::process::ExitCode;

use crate::cli::{Api, DeadLettersCommand};
use crate::config::Config;
use crate::console::Console;
use crate::deployment::at_once;
use crate::failure::Failure;

/// Lists or shows.
///
/// # Errors
/// They cannot be read, or there is no such dead letter, and what to do about it.
pub fn run(config: &Config, command: &DeadLettersCommand) -> Result<ExitCode, Failure> {
    if command.api() != Api::AgentPing {
        let none = "AgentGate has no dead letters: a command that cannot be decided halts its partition";
        return Err(Failure::refused(none).or_else("`tidegate lag --api agentgate` shows where deciders are"));
    }
    let console = Console::output();
    match command {
        DeadLettersCommand::List(args) => at_once(config, list::list(config, args, console)),
        DeadLettersCommand::Show(args) => at_once(config, show::show(config, args, console)),
    }
}
