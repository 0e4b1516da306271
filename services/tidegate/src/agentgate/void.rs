//! `tidegate void`: sets one command aside that cannot be decided.
//!
//! Only the command at which its partition is halted can be set aside: another one may have been decided, or be in
//! progress, and would then be skipped by a rebuild though its decision was answered (docs/protocol-models.md).

use std::process::ExitCode;
use std::sync::Arc;

use serde_json::json;
use tidegate_kernel::Position;
use tidegate_ports::{Account, Accounts, Clock, Halt, SystemClock, Void, Voids};
use tidegate_scylla::ScyllaCommands;
use tidegate_sqlite::{EmbeddedCommandStore, EmbeddedKeys};

use crate::assemble::commands::{distributed, embedded};
use crate::cli::VoidArgs;
use crate::config::Config;
use crate::console::Console;
use crate::deployment::at_once;
use crate::failure::Failure;

/// Characters of a reason at most.
const MAX_REASON_CHARS: usize = 1_000;

/// Sets the command aside.
///
/// # Errors
/// No partition is halted there, or the store cannot be reached.
pub fn run(config: &Config, args: &VoidArgs) -> Result<ExitCode, Failure> {
    at_once(config, void(config, args, Console::output()))
}

async fn void(config: &Config, args: &VoidArgs, mut console: Console) -> Result<ExitCode, Failure> {
    let reason = args.reason.trim();
    if reason.is_empty() || reason.chars().count() > MAX_REASON_CHARS {
        return Err(Failure::config(format!("a reason has 1 to {MAX_REASON_CHARS} characters")));
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (accounts, voids): (Arc<dyn Accounts>, Arc<dyn Voids>) = if config.scylla.is_some() {
        let store = Arc::new(ScyllaCommands::new(distributed::cql(config).await?, clock.clone()));
        (store.clone(), store)
    } else {
        let folder = embedded::existing(config)?;
        (Arc::new(EmbeddedCommandStore::open_read_only(&folder)?), Arc::new(EmbeddedKeys::open(&folder)?))
    };
    let halted = in_force(&accounts.halts().await?, &accounts.accounts().await?);
    if !halted.contains(&args.position) {
        return Err(refused(args.position, &halted));
    }
    voids.add(Void { position: args.position, reason: reason.to_owned(), voided_at: clock.now() }).await?;
    if args.place.json {
        console.json(&json!({ "void": args.position.to_string(), "reason": reason }));
    } else {
        console.line(format_args!("{} is void; its partition goes on within seconds", args.position));
    }
    Ok(ExitCode::SUCCESS)
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

#[cfg(test)]
mod tests {
    use tidegate_ports::Fate;

    use super::*;

    #[test]
    fn only_where_a_partition_is_halted_now() {
        let halt = |partition, offset| Halt { generation: 1, partition, offset };
        let mut passed = Account::opened(1, 3, 7);
        passed.count(7, Fate::Dead);
        let halted = in_force(&[halt(2, 5), halt(3, 7)], &[passed]);
        let place = |partition, offset| Position { generation: 1, partition, offset };
        assert_eq!(halted, [place(2, 5)]);
        let text = refused(place(2, 4), &halted).to_string();
        assert_eq!(text, "no partition is halted at 1/2/4: partitions are halted at 1/2/5");
    }
}
