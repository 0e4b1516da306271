//! Managing teams, credentials and rates. These commands open the registry alone, so they work beside a running
//! service, which follows within seconds. Where the configuration names the nodes of a store, the registry is there;
//! otherwise it is in the data folder.

pub mod keys;
mod plans;
mod rates;
mod resolve;
mod rows;
pub mod teams;
pub mod tokens;

use std::process::ExitCode;
use std::sync::Arc;

use tidegate_domain::{Region, Timestamp};
use tidegate_ports::{Clock, Ids, RandomIds, Registry, SystemClock};

use crate::assemble::{distributed, embedded};
use crate::cli::{KeysCommand, Place, RatesCommand, TeamsCommand, TokensCommand};
use crate::config::Config;
use crate::page::Page;

pub use resolve::team;

/// Any of the management commands.
pub enum Command {
    Teams(TeamsCommand),
    Keys(KeysCommand),
    Tokens(TokensCommand),
    Rates(RatesCommand),
}

impl From<TeamsCommand> for Command {
    fn from(command: TeamsCommand) -> Self {
        Command::Teams(command)
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

/// What a command works with.
pub struct Desk {
    pub registry: Arc<dyn Registry>,
    pub ids: Arc<dyn Ids>,
    pub clock: Arc<dyn Clock>,
    pub region: Region,
    pub page: Page,
    pub json: bool,
}

impl Desk {
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// Runs one command.
///
/// # Errors
/// A text that says what was wrong with which value, and the way out.
pub fn run(config: &Config, command: Command) -> Result<ExitCode, String> {
    plans::check(&command)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    runtime.block_on(async {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let opened = if config.scylla.is_some() {
            in_region(config, command.region())?;
            distributed::registry(config).await?
        } else {
            let region = command.region().or_else(|| config.is_set("region").then_some(config.region));
            embedded::open_registry(&config.data, region, clock.now())?
        };
        let json = command.place().json;
        let (registry, region, page) = (opened.registry, opened.region, Page::output());
        let desk = Desk { registry, region, ids: Arc::new(RandomIds), clock, page, json };
        dispatch(desk, command).await
    })?;
    Ok(ExitCode::SUCCESS)
}

/// A deployment is one region's: a command that insists on another one is at the wrong place.
fn in_region(config: &Config, wanted: Option<Region>) -> Result<(), String> {
    match wanted {
        Some(wanted) if wanted != config.region => Err(format!(
            "--region {wanted}: this deployment has {}, keyspace {}; choose the other one's configuration, or set \
             TIDEGATE_REGION",
            config.told("region"),
            config.scylla()?.options.keyspace
        )),
        _ => Ok(()),
    }
}

async fn dispatch(desk: Desk, command: Command) -> Result<(), String> {
    match command {
        Command::Teams(command) => teams::run(desk, command).await,
        Command::Keys(command) => keys::run(desk, command).await,
        Command::Tokens(command) => tokens::run(desk, command).await,
        Command::Rates(command) => rates::run(desk, command).await,
    }
}

impl Command {
    /// Where it works.
    pub fn place(&self) -> &Place {
        match self {
            Command::Teams(
                TeamsCommand::Create { place, .. } | TeamsCommand::List { place } | TeamsCommand::SetPlan { place, .. },
            )
            | Command::Keys(
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
