//! Managing organizations, keys and workers' keys of AgentGate. There is no registry: each change is a command on the
//! log, decided as a client's is, and what is read are the views.

mod deliveries;
pub mod keys;
mod office;
mod once;
pub mod orgs;
mod worker_keys;

pub use office::{Decide, Office};

use crate::cli::{DeliveriesArgs, OrgKeysCommand, OrgsCommand, Place, WorkerKeysCommand};
use crate::failure::Failure;

/// Any of the management commands of AgentGate.
pub enum Command {
    Orgs(OrgsCommand),
    Keys(OrgKeysCommand),
    WorkerKeys(WorkerKeysCommand),
    Deliveries(DeliveriesArgs),
}

impl Command {
    /// Where it works.
    pub const fn place(&self) -> &Place {
        match self {
            Command::Orgs(command) => command.place(),
            Command::Keys(command) => command.place(),
            Command::WorkerKeys(command) => command.place(),
            Command::Deliveries(args) => &args.place,
        }
    }

    /// Whether it may make a deployment that is not there: the first command that one gives.
    pub const fn begins_a_deployment(&self) -> bool {
        matches!(self, Command::Orgs(OrgsCommand::Create { .. }))
    }
}

/// Runs one command.
///
/// # Errors
/// What was wrong with which value, and what to do about it.
pub async fn run(office: Office, command: Command) -> Result<(), Failure> {
    match command {
        Command::Orgs(command) => orgs::run(office, command).await,
        Command::Keys(command) => keys::run(office, command).await,
        Command::WorkerKeys(command) => worker_keys::run(office, command).await,
        Command::Deliveries(args) => deliveries::run(office, args).await,
    }
}
