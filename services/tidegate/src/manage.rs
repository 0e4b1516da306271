//! Managing teams, credentials and rates. These commands open the registry alone, so they work beside a running
//! service, which follows within seconds.

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

use crate::assemble;
use crate::cli::{KeysCommand, Place, RatesCommand, TeamsCommand, TokensCommand};
use crate::page::Page;

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
pub fn run(command: Command) -> Result<ExitCode, String> {
    plans::check(&command)?;
    let (place, region) = command.place();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let opened = assemble::embedded::open_registry(&place.data, region, clock.now())?;
    let desk = Desk {
        registry: opened.registry,
        region: opened.region,
        ids: Arc::new(RandomIds),
        clock,
        page: Page::output(),
        json: place.json,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    runtime.block_on(dispatch(desk, command))?;
    Ok(ExitCode::SUCCESS)
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
    /// The folder it works on, and the region it insists on.
    fn place(&self) -> (Place, Option<Region>) {
        let place = match self {
            Command::Teams(TeamsCommand::Create { place, region, .. }) => return (place.clone(), *region),
            Command::Teams(TeamsCommand::List { place } | TeamsCommand::SetPlan { place, .. })
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
        };
        (place.clone(), None)
    }
}

#[cfg(test)]
mod tests;
