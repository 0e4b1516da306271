//! `tidegate dead-letters`: what could not be applied, and everything there is to know of it.

mod about;
mod letter_json;
mod list;
mod printable;
mod show;

use std::process::ExitCode;

use crate::cli::DeadLettersCommand;
use crate::config::Config;
use crate::deployment::at_once;
use crate::page::Page;

/// Lists or shows.
///
/// # Errors
/// They cannot be read, or there is no such letter, and the way out.
pub fn run(config: &Config, command: &DeadLettersCommand) -> Result<ExitCode, String> {
    let page = Page::output();
    match command {
        DeadLettersCommand::List(args) => at_once(config, list::list(config, args, page)),
        DeadLettersCommand::Show(args) => at_once(config, show::show(config, args, page)),
    }
}
