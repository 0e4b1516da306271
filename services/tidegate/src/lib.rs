//! The one binary: commands, configuration, and the only place where adapters are built and handed to services.

pub mod assemble;
mod cli;
mod clock;
pub mod config;
mod dev;
mod manage;
mod page;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command, DevArgs};
use config::{Config, Layers, Problem};
use page::Page;

/// The crate's version, as `/metrics` and `--version` show it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Runs the program with these arguments, the first being its own name. 0: done, and nothing left behind; 1: not
/// done, or something left, with the reason on standard error; 2: wrong usage.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(told) => {
            // Help and version come this way too. A closed pipe is no reason to fail louder.
            let _ = told.print();
            return ExitCode::from(u8::try_from(told.exit_code()).unwrap_or(2));
        }
    };
    let done = match cli.command {
        Command::Dev(args) => dev(&args),
        Command::CheckConfig { config } => check_config(config.as_deref()),
        Command::Teams(command) => manage::run(command.into()),
        Command::Keys(command) => manage::run(command.into()),
        Command::Tokens(command) => manage::run(command.into()),
        Command::Rates(command) => manage::run(command.into()),
    };
    match done {
        Ok(code) => code,
        Err(reason) => {
            Page::errors().line(format_args!("error: {reason}"));
            ExitCode::FAILURE
        }
    }
}

fn dev(args: &DevArgs) -> Result<ExitCode, String> {
    let mut layers = layers(args.config.as_deref());
    layers.flag("--region", "region", args.region.as_deref());
    layers.flag("--data", "data", args.data.as_ref().map(|path| path.display()));
    layers.flag("--listen", "ingest.listen", args.listen.as_deref());
    layers.flag("--control-listen", "control.listen", args.control_listen.as_deref());
    layers.flag("--ops-listen", "ops.listen", args.ops_listen.as_deref());
    let config = Config::from_layers(layers).map_err(|problems| told(&problems))?;
    dev::run(config)
}

fn check_config(file: Option<&Path>) -> Result<ExitCode, String> {
    let config = Config::from_layers(layers(file)).map_err(|problems| told(&problems))?;
    Page::output().text(&config.dump());
    Ok(ExitCode::SUCCESS)
}

/// The file and the variables: the only place that reads the environment.
fn layers(file: Option<&Path>) -> Layers {
    let mut layers = Layers::default();
    if let Some(file) = file {
        layers.file(file);
    }
    // A variable that is no text cannot be one of ours.
    let text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    layers.variables(std::env::vars_os().filter_map(text));
    layers
}

fn told(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(|problem| format!("\n  {problem}")).collect();
    format!("the configuration is wrong:{}", lines.concat())
}
