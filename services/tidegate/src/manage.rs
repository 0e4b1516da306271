//! Managing teams, agents, credentials and rates. These commands open the registry alone, so they work while a service
//! runs, which follows within seconds. Where the configuration names the nodes of a store, the registry is there;
//! otherwise it is in the data folder.

mod agents;
pub mod keys;
mod plans;
mod rates;
mod resolve;
mod rows;
pub mod teams;
pub mod tokens;
pub mod unprinted;

use std::process::ExitCode;
use std::sync::Arc;

use tidegate_agentping_ports::{Gate, NamesOfTeams, Registry};
use tidegate_kernel::{Region, Timestamp};
use tidegate_ports::{Clock, Ids, RandomIds, SystemClock};

use crate::assemble::{distributed, embedded};
use crate::cli::{AgentsCommand, KeysCommand, Place, RatesCommand, TeamsCommand, TokensCommand};
use crate::config::Config;
use crate::console::Console;
use crate::deployment::cannot_start;
use crate::failure::Failure;

pub use resolve::{active_team, find as find_team, team};

/// Any of the management commands.
pub enum Command {
    Teams(TeamsCommand),
    Agents(AgentsCommand),
    Keys(KeysCommand),
    Tokens(TokensCommand),
    Rates(RatesCommand),
}

impl From<TeamsCommand> for Command {
    fn from(command: TeamsCommand) -> Self {
        Command::Teams(command)
    }
}

impl From<AgentsCommand> for Command {
    fn from(command: AgentsCommand) -> Self {
        Command::Agents(command)
    }
}

impl From<KeysCommand> for Command {
    fn from(command: KeysCommand) -> Self {
        Command::Keys(command)
    }
}

impl From<TokensCommand> for Command {
    fn from(command: TokensCommand) -> Self {
        Command::Tokens(command)
    }
}

impl From<RatesCommand> for Command {
    fn from(command: RatesCommand) -> Self {
        Command::Rates(command)
    }
}

/// The ports and settings of a management command.
pub struct Context {
    pub registry: Arc<dyn Registry>,
    /// The gate that all front doors share, with the names of what it knows by keys; `None` where one process has its own, and
    /// follows the registry.
    pub gate: Option<(Arc<dyn Gate>, Arc<dyn NamesOfTeams>)>,
    pub ids: Arc<dyn Ids>,
    pub clock: Arc<dyn Clock>,
    pub region: Region,
    pub console: Console,
    pub json: bool,
}

impl Context {
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// Runs one command.
///
/// # Errors
/// What was wrong with which value, and what to do about it.
pub fn run(config: &Config, command: Command) -> Result<ExitCode, Failure> {
    plans::check(&command)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot_start)?;
    runtime.block_on(async {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (opened, gate) = if config.scylla.is_some() {
            in_region(config, command.region())?;
            let gate = command.gate(config, &clock)?;
            (distributed::registry(config, &clock).await.map_err(unreached)?, gate)
        } else {
            let region = command.region().or_else(|| config.is_set("region").then_some(config.region));
            let opened = if command.begins_a_deployment() {
                embedded::make_registry(&config.data, region, clock.now())?
            } else {
                embedded::open_registry(&config.data, region)?
            };
            (opened, None)
        };
        let json = command.place().json;
        let (registry, region, console) = (opened.registry, opened.region, Console::output());
        let gate = gate.map(|gate| (gate, opened.names));
        let context = Context { registry, gate, region, ids: Arc::new(RandomIds), clock, console, json };
        dispatch(context, command).await
    })?;
    Ok(ExitCode::SUCCESS)
}

/// A store that is down may be brought up, or another one named.
fn unreached(failure: Failure) -> Failure {
    if failure.may_pass() { failure.or_else("start it, or correct scylla.nodes") } else { failure }
}

/// A deployment is one region's: a command that insists on another one is at the wrong place.
fn in_region(config: &Config, wanted: Option<Region>) -> Result<(), Failure> {
    match wanted {
        Some(wanted) if wanted != config.region => Err(Failure::config(format!(
            "--region {wanted}: this deployment has {}, keyspace {}",
            config.with_source("region"),
            config.scylla()?.options.keyspace
        ))
        .or_else("choose the other one's configuration, or set TIDEGATE_REGION")),
        _ => Ok(()),
    }
}

async fn dispatch(context: Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Teams(command) => teams::run(context, command).await,
        Command::Agents(command) => agents::run(context, command).await,
        Command::Keys(command) => keys::run(context, command).await,
        Command::Tokens(command) => tokens::run(context, command).await,
        Command::Rates(command) => rates::run(context, command).await,
    }
}

impl Command {
    /// Where it works.
    pub fn place(&self) -> &Place {
        match self {
            Command::Teams(command) => command.place(),
            Command::Agents(command) => command.place(),
            Command::Keys(
                KeysCommand::Create { place, .. } | KeysCommand::List { place, .. } | KeysCommand::Revoke { place, .. },
            )
            | Command::Tokens(
                TokensCommand::Create { place, .. }
                | TokensCommand::List { place, .. }
                | TokensCommand::Rotate { place, .. }
                | TokensCommand::Revoke { place, .. },
            )
            | Command::Rates(RatesCommand::List { place, .. }) => place,
            Command::Rates(RatesCommand::Set(args)) => &args.place,
        }
    }

    /// Whether a data folder that is not there is made: only by the first team.
    const fn begins_a_deployment(&self) -> bool {
        matches!(self, Command::Teams(TeamsCommand::Create { .. }))
    }

    /// The gate, for the command that changes what it holds.
    fn gate(&self, config: &Config, clock: &Arc<dyn Clock>) -> Result<Option<Arc<dyn Gate>>, Failure> {
        match self {
            Command::Agents(AgentsCommand::Archive { .. }) => match distributed::gate(config, clock) {
                Ok(gate) => Ok(Some(Arc::new(gate))),
                Err(failure) => Err(failure.in_words(|failure| {
                    format!("{failure}; the gate holds the slots of agents, so archiving them needs it")
                })),
            },
            _ => Ok(None),
        }
    }

    /// The region it insists on.
    const fn region(&self) -> Option<Region> {
        match self {
            Command::Teams(TeamsCommand::Create { region, .. }) => *region,
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
