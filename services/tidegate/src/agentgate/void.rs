//! `tidegate void`: sets one command aside that cannot be decided.
//!
//! Only the command at which its partition is halted can be set aside, and only if no release that has registered could
//! decide it: it would then be skipped by one decider and decided by another one (docs/protocol-models.md).
//!
//! With every decider stopped no release is asked. Servers cannot tell whether a decider is stopped, so that the store
//! is rebuilt then. A data folder can: its lock is free, and what is stored is all that was ever decided.

use std::process::ExitCode;
use std::sync::Arc;

use serde_json::json;
use tidegate_decider::{Deciders, VoidError, Voided, set_aside, state_of};
use tidegate_kafka::KafkaReadLog;
use tidegate_kernel::Position;
use tidegate_kernel::command::VoidState;
use tidegate_ports::{Account, Accounts, Clock, Consumed, Halt, ReadLog, Releases, SystemClock, VoidRequest, Voids};
use tidegate_scylla::ScyllaCommands;
use tidegate_sqlite::{DataFolder, EmbeddedCommandStore, EmbeddedKeys, EmbeddedReadLog};

use crate::assemble::commands::{distributed, embedded};
use crate::assemble::distributed::options_of;
use crate::cli::VoidArgs;
use crate::config::Config;
use crate::console::Console;
use crate::deployment::at_once;
use crate::failure::Failure;

/// Characters of a reason at most.
const MAX_REASON_CHARS: usize = 1_000;

/// What is known of the log, and of those that decide it.
struct Ports {
    accounts: Arc<dyn Accounts>,
    voids: Arc<dyn Voids>,
    releases: Arc<dyn Releases>,
    log: Arc<dyn ReadLog>,
    /// `None`: on servers.
    folder: Option<CommandFolder>,
}

/// A data folder, on which at most one process decides.
struct CommandFolder {
    folder: DataFolder,
    store: Arc<EmbeddedCommandStore>,
}

/// Sets the command aside.
///
/// # Errors
/// No partition is halted there, a release could decide it, or the store or the log cannot be reached.
pub fn run(config: &Config, args: &VoidArgs) -> Result<ExitCode, Failure> {
    at_once(config, void(config, args, Console::output()))
}

async fn void(config: &Config, args: &VoidArgs, mut console: Console) -> Result<ExitCode, Failure> {
    let reason = args.reason.trim();
    if reason.is_empty() || reason.chars().count() > MAX_REASON_CHARS {
        return Err(Failure::config(format!("a reason has 1 to {MAX_REASON_CHARS} characters")));
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ports = open(config, &clock).await?;
    let position = args.position;
    let stopped = ports.folder.as_ref().filter(|_| args.all_deciders_stopped);
    // Held to the end: no process decides on the folder meanwhile.
    let _owned = stopped.map(|stopped| stopped.folder.own()).transpose()?;
    let state = state_of(&*ports.voids, position).await?;
    // What was asked for goes on, wherever its partition is by now.
    if matches!(state, None | Some(VoidState::Withdrawn)) {
        let halted = in_force(&ports.accounts.halts().await?, &ports.accounts.accounts().await?);
        if !halted.contains(&position) {
            return Err(refused(position, &halted));
        }
    }
    if let Some(CommandFolder { folder, store }) = stopped
        && state != Some(VoidState::InForce)
        && store.has_begun(position, folder.partitions()).await?
    {
        return Err(begun(position));
    }
    let record = read(&*ports.log, position).await?;
    let request = VoidRequest { position, reason: reason.to_owned(), asked_at: clock.now() };
    let deciders = if args.all_deciders_stopped { Deciders::Stopped } else { Deciders::Registered };
    let voided = set_aside(&*ports.voids, &*ports.releases, request, &record, deciders).await.map_err(unsettled)?;
    if voided.state != VoidState::InForce {
        return Err(withdrawn(position, &voided, ports.folder.is_some()));
    }
    if args.place.json {
        console.json(&json!({ "void": position.to_string(), "reason": reason }));
    } else {
        console.line(format_args!("{position} is void{}", then(deciders, ports.folder.is_some())));
    }
    Ok(ExitCode::SUCCESS)
}

async fn open(config: &Config, clock: &Arc<dyn Clock>) -> Result<Ports, Failure> {
    if config.scylla.is_some() {
        let options = options_of(&distributed::kafka(config)?, "void");
        let store = Arc::new(ScyllaCommands::new(distributed::cql(config).await?, clock.clone()));
        let log = Arc::new(KafkaReadLog::open(&options)?);
        return Ok(Ports { accounts: store.clone(), voids: store.clone(), releases: store, log, folder: None });
    }
    let folder = embedded::existing(config)?;
    let keys = Arc::new(EmbeddedKeys::open(&folder)?);
    let store = Arc::new(EmbeddedCommandStore::open_read_only(&folder)?);
    Ok(Ports {
        accounts: store.clone(),
        voids: keys.clone(),
        releases: keys,
        log: Arc::new(EmbeddedReadLog::open(&folder)?),
        folder: Some(CommandFolder { folder, store }),
    })
}

/// What follows, after the position.
const fn then(deciders: Deciders, is_in_folder: bool) -> &'static str {
    match (deciders, is_in_folder) {
        (Deciders::Registered, _) => "; its partition goes on within seconds",
        (Deciders::Stopped, false) => ": rebuild the store before a decider starts",
        (Deciders::Stopped, true) => ", and nothing of it is stored: start the process on the data folder again",
    }
}

/// The record at a position.
async fn read(log: &dyn ReadLog, position: Position) -> Result<Consumed, Failure> {
    let Position { partition, offset, .. } = position;
    let found = log.read_range(partition, offset, offset + 1, 1).await?;
    let record = found.into_iter().find(|record| record.position == position);
    record.ok_or_else(|| Failure::refused(format!("the log has no record at {position}")))
}

/// Where partitions are halted now.
fn in_force(halts: &[Halt], accounts: &[Account]) -> Vec<Position> {
    let next = |halt: &Halt| next_offset(accounts, halt.generation, halt.partition);
    let of = |halt: &Halt| Position { generation: halt.generation, partition: halt.partition, offset: halt.offset };
    halts.iter().filter(|halt| halt.is_in_force(next(halt))).map(of).collect()
}

fn next_offset(accounts: &[Account], generation: u16, partition: u32) -> i64 {
    let of = |account: &&Account| account.generation == generation && account.partition == partition;
    accounts.iter().find(of).map_or(0, |account| account.next_offset)
}

fn refused(position: Position, halted: &[Position]) -> Failure {
    let failure = Failure::refused(format!("no partition is halted at {position}"));
    if halted.is_empty() {
        return failure.hint("no partition of this API is halted at all");
    }
    let places: Vec<String> = halted.iter().map(ToString::to_string).collect();
    failure.hint(format!("partitions are halted at {}", places.join(", ")))
}

/// It was asked for, or may be, and its partition waits until it is settled.
fn unsettled(error: VoidError) -> Failure {
    match error {
        VoidError::NoRelease => Failure::refused(error.to_string()),
        VoidError::Store(error) => Failure::from(error)
            .in_words(|failure| format!("{failure}; nothing is settled: run the same command again")),
    }
}

/// A decision of it, or of a later command of its partition, is stored in part or as a whole.
fn begun(position: Position) -> Failure {
    Failure::refused(format!("{position} is not void: store.db has rows of it, or of a later command of its partition"))
        .or_else("run the build on the data folder that began to decide it, or restore the folder from a backup")
}

fn withdrawn(position: Position, voided: &Voided, is_in_folder: bool) -> Failure {
    if voided.state == VoidState::Asked {
        return Failure::unavailable(format!("{position} was asked for by another operator, too"))
            .hint("run the same command again");
    }
    let names: Vec<String> = voided.could_decide.iter().map(ToString::to_string).collect();
    match names.is_empty() {
        true => Failure::refused(format!("{position} is not void: another operator's request was withdrawn"))
            .or_else("run the same command again"),
        false => Failure::refused(format!("{position} is not void: {} could decide it", names.join(", "))).or_else(
            match is_in_folder {
                false => "run deciders of each: they decide it, or are halted at it; then run the same command again",
                true => "stop the process on the data folder, and run the same command with --all-deciders-stopped",
            },
        ),
    }
}

#[cfg(test)]
mod tests;
