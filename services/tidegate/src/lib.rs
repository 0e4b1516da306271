//! The one binary: commands, configuration, and the only place where adapters are built and handed to services.

// A role is one future that holds those of everything below it.
#![recursion_limit = "256"]

mod agentgate;
mod alerting;
pub mod assemble;
mod cli;
mod clock;
pub mod config;
mod configuration;
mod console;
mod dashboard;
mod demo;
mod deployment;
mod dev;
mod exec;
mod failure;
mod listeners;
mod log_commands;
mod manage;
pub mod metrics;
mod open_files;
mod process;
mod role;
mod roles;
mod time_left;

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tidegate_telemetry::logs;

use cli::{AgentGateCommand, Cli, Command, CommandApi, DemoArgs, Deployment, DevArgs, LogPlace, Place};
use config::{Config, ConfigProblem, Layers, Purpose};
use console::Console;
use failure::Failure;
use open_files::OpenFiles;

/// The crate's version, as `/metrics` and `--version` show it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What deciders of this build register as: the build's own name where the compiler was given one, else the version.
pub const RELEASE: &str = match option_env!("BUILD_OF_TIDEGATE") {
    Some(build) if !build.is_empty() => build,
    _ => VERSION,
};

/// How long the last log lines may take to be written. A pipe without a reader must not delay the end.
const LAST_LINES: Duration = Duration::from_millis(500);

/// Runs the program with these arguments, the first being its own name. 0: done, and nothing left behind; 1: not
/// done, or something left, with the reason on standard error; 2: wrong usage.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    // Also when this panics.
    let _last_lines = LastLines;
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(refusal) => {
            // Help and version come this way too. A closed pipe is not reported.
            let is_lost = refusal.print().is_err_and(|error| error.kind() != ErrorKind::BrokenPipe);
            let code = u8::try_from(refusal.exit_code()).unwrap_or(2);
            return ExitCode::from(code.max(u8::from(is_lost)));
        }
    };
    let serves = cli.command.serves();
    match dispatch(cli.command) {
        // A service works without its standard output; a command whose answer is incomplete has failed.
        Ok(code) => match console::unwritten().filter(|_| !serves) {
            None => code,
            Some(why) => {
                Console::errors().line(format_args!("error: standard output could not be written: {why}"));
                ExitCode::FAILURE
            }
        },
        Err(failure) if serves => {
            logs::failed(&failure.to_string());
            failure.exit_code()
        }
        Err(failure) => {
            Console::errors().line(format_args!("error: {failure}"));
            failure.exit_code()
        }
    }
}

struct LastLines;

impl Drop for LastLines {
    fn drop(&mut self) {
        logs::flush(LAST_LINES);
    }
}

fn dispatch(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Dev(args) => dev::run(dev_config(&args)?),
        Command::CheckConfig { config } => check_config(config.as_deref()),
        Command::Ingest(args) => {
            let flags = [
                ("--listen", "ingest.listen", args.listen),
                ("--ops-listen", "ingest.ops_listen", args.operations.ops_listen),
            ];
            role::ingest(distributed(&args.deployment, flags, Purpose::Ingest)?)
        }
        Command::Persist(args) => {
            let flags = [("--ops-listen", "persister.ops_listen", args.operations.ops_listen)];
            role::persist(distributed(&args.deployment, flags, Purpose::Persist)?)
        }
        Command::Control(args) => {
            let flags = [
                ("--listen", "control.listen", args.listen),
                ("--ops-listen", "control.ops_listen", args.operations.ops_listen),
            ];
            role::control(distributed(&args.deployment, flags, Purpose::Control)?)
        }
        Command::Migrate(args) => {
            deployment::migrate(&distributed(&args.deployment, [], Purpose::Store)?, args.dry_run)
        }
        Command::Topics(command) => {
            let config = distributed(command.deployment(), [], Purpose::Topics)?;
            deployment::topics(&config, &command)
        }
        Command::Rebuild(args) => deployment::rebuild(distributed(&args.deployment, [], Purpose::Rebuild)?, args),
        Command::Compare(args) => deployment::compare(&distributed(&args.deployment, [], Purpose::Store)?, &args),
        Command::Lag(args) => log_commands::lag::run(&on_the_log(&args.at)?, &args),
        Command::DeadLetters(command) => log_commands::dead_letters::run(&on_the_log(command.at())?, &command),
        Command::Replay(args) => log_commands::replay::run(on_the_log(&args.at)?, *args),
        Command::Decide(args) => {
            let flags = [("--ops-listen", "decider.ops_listen", args.operations.ops_listen)];
            role::decide(distributed(&args.deployment, flags, Purpose::Decide)?, args.api)
        }
        Command::Pulse(args) => {
            let flags = [("--ops-listen", "pulse.ops_listen", args.operations.ops_listen)];
            role::pulse(distributed(&args.deployment, flags, Purpose::Pulse)?)
        }
        Command::Void(args) => {
            let CommandApi::AgentGate = args.api;
            agentgate::void::run(&managed(&args.place)?, &args)
        }
        Command::AgentGate(command) => agentgate(command),
        Command::Config(command) => configuration::run(command),
        Command::Exec(args) => Ok(exec::run(args)),
        Command::Demo(args) => demo::run(&demo_config(&args)?, &args),
        Command::Supervise => Ok(tidegate_worker::supervise()),
        Command::Teams(command) => manage(command.into()),
        Command::Agents(command) => manage(command.into()),
        Command::Keys(command) => manage(command.into()),
        Command::Tokens(command) => manage(command.into()),
        Command::Rates(command) => manage(command.into()),
    }
}

fn dev_config(args: &DevArgs) -> Result<Config, Failure> {
    let mut layers = layers(args.config.as_deref());
    layers.flag("--region", "region", args.region.as_deref());
    layers.flag("--data", "data", args.data.as_ref().map(|path| path.display()));
    layers.flag("--listen", "ingest.listen", args.listen.as_deref());
    layers.flag("--control-listen", "control.listen", args.control_listen.as_deref());
    layers.flag("--agentgate-listen", "agentgate.listen", args.agentgate_listen.as_deref());
    layers.flag("--ops-listen", "ops.listen", args.ops_listen.as_deref());
    read(layers, Purpose::Dev)
}

fn demo_config(args: &DemoArgs) -> Result<Config, Failure> {
    let mut layers = layers(None);
    layers.flag("--data", "data", args.data.as_ref().map(|path| path.display()));
    read(layers, Purpose::Manage)
}

/// A flag, the key it sets, its value if it was given.
type Flag = (&'static str, &'static str, Option<String>);

fn distributed<const N: usize>(place: &Deployment, flags: [Flag; N], purpose: Purpose) -> Result<Config, Failure> {
    let mut layers = layers(place.config.as_deref());
    layers.flag("--region", "region", place.region.as_deref());
    for (flag, key, value) in flags {
        layers.flag(flag, key, value);
    }
    read(layers, purpose)
}

/// Where the log is: on the servers that are named, else in the data folder.
fn on_the_log(place: &LogPlace) -> Result<Config, Failure> {
    let mut layers = layers(place.config.as_deref());
    layers.flag("--region", "region", place.region.as_deref());
    layers.flag("--data", "data", place.data.as_ref().map(|path| path.display()));
    read(layers, Purpose::Manage)
}

/// What a management command works by.
fn managed(place: &Place) -> Result<Config, Failure> {
    let mut layers = layers(place.config.as_deref());
    layers.flag("--data", "data", place.data.as_ref().map(|path| path.display()));
    read(layers, Purpose::Manage)
}

fn manage(command: manage::Command) -> Result<ExitCode, Failure> {
    manage::run(&managed(command.place())?, command)
}

fn agentgate(command: AgentGateCommand) -> Result<ExitCode, Failure> {
    let command = match command {
        AgentGateCommand::Serve(args) => {
            let flags = [
                ("--listen", "agentgate.listen", args.listen),
                ("--ops-listen", "agentgate.ops_listen", args.operations.ops_listen),
            ];
            return role::agentgate(distributed(&args.deployment, flags, Purpose::AgentGate)?);
        }
        AgentGateCommand::Worker(args) => return agentgate::worker::run(args),
        AgentGateCommand::Orgs(command) => agentgate::manage::Command::Orgs(command),
        AgentGateCommand::Keys(command) => agentgate::manage::Command::Keys(command),
        AgentGateCommand::WorkerKeys(command) => agentgate::manage::Command::WorkerKeys(command),
        AgentGateCommand::Deliveries(args) => agentgate::manage::Command::Deliveries(args),
    };
    agentgate::manage(&managed(command.place())?, command)
}

fn check_config(file: Option<&Path>) -> Result<ExitCode, Failure> {
    let config = read(layers(file), Purpose::Look)?;
    Console::output().text(&config.dump());
    if let Some(warning) = config.scylla.as_ref().and_then(|scylla| scylla.warning()) {
        Console::errors().line(format_args!("warning: {warning}"));
    }
    if let Some(warning) = OpenFiles::of(&config, Purpose::Look).warning() {
        Console::errors().line(format_args!("warning: {warning}"));
    }
    Ok(ExitCode::SUCCESS)
}

fn read(layers: Layers, purpose: Purpose) -> Result<Config, Failure> {
    Config::from_layers(layers, purpose).map_err(|problems| wrong(&problems))
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

/// Every mistake on a line of its own.
fn wrong(problems: &[ConfigProblem]) -> Failure {
    let lines: Vec<String> = problems.iter().map(|problem| format!("\n  {problem}")).collect();
    Failure::config(format!("the configuration is wrong:{}", lines.concat()))
}
