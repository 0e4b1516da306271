//! The logs of the checks, and what becomes of their records.

use crate::commands::log::{Record, Sequential};
use crate::commands::purse::{Command, PAYER};
use crate::commands::store::CommandOutcome;

fn record(attempt: u8, command: Command) -> Record {
    Record::new(PAYER, attempt, command)
}

/// A log, and the outcome of each record.
pub type Expected = (Vec<Record>, Vec<Option<CommandOutcome>>);

/// The log, if its records become what is expected of them.
#[track_caller]
pub fn checked((log, outcomes): Expected) -> Vec<Record> {
    assert_eq!(Sequential::of(&log).outcomes, outcomes);
    log
}

/// A purchase and a retry of it under the same key.
pub fn retried() -> Expected {
    let log =
        vec![record(1, Command::Add(5)), record(2, Command::Buy(2)).keyed(7), record(3, Command::Buy(2)).keyed(7)];
    (log, vec![Some(CommandOutcome::Answered(5)), Some(CommandOutcome::Answered(3)), Some(CommandOutcome::Repeated(3))])
}

/// A purchase that is refused and would succeed later, and its replay.
pub fn refused_then_replayed() -> Expected {
    let log = vec![
        record(1, Command::Buy(2)),
        record(2, Command::Add(5)),
        record(1, Command::Buy(2)).replayed_from(0),
        record(3, Command::Buy(1)),
    ];
    (
        log,
        vec![
            Some(CommandOutcome::TooLittle),
            Some(CommandOutcome::Answered(5)),
            None,
            Some(CommandOutcome::Answered(4)),
        ],
    )
}

/// The same, but nothing says that the second one is a replay: an append that was repeated.
pub fn refused_then_repeated() -> Expected {
    let (mut log, outcomes) = refused_then_replayed();
    log[2].origin = None;
    (log, outcomes)
}

/// A purchase on the log a second time, without the header of a replay.
pub fn bought_twice() -> Expected {
    let log = vec![record(1, Command::Add(5)), record(2, Command::Buy(2)), record(2, Command::Buy(2))];
    (log, vec![Some(CommandOutcome::Answered(5)), Some(CommandOutcome::Answered(3)), None])
}

/// The same, with the header of a replay.
pub fn replayed() -> Expected {
    let (mut log, outcomes) = bought_twice();
    log[2].origin = Some(1);
    (log, outcomes)
}

/// A key within its window, and again after it.
pub fn key_used_again() -> Expected {
    let log = vec![
        record(1, Command::Add(2)).keyed(7).at(0),
        record(2, Command::Add(2)).keyed(7).at(5),
        record(3, Command::Add(2)).keyed(7).at(15),
    ];
    (log, vec![Some(CommandOutcome::Answered(2)), Some(CommandOutcome::Repeated(2)), Some(CommandOutcome::Answered(4))])
}

/// A refusal leaves its key free.
pub fn refused_key() -> Expected {
    let log = vec![
        record(1, Command::Buy(2)).keyed(7),
        record(2, Command::Add(5)),
        record(3, Command::Buy(2)).keyed(7),
        record(4, Command::Buy(2)).keyed(7),
    ];
    let bought = [Some(CommandOutcome::Answered(3)), Some(CommandOutcome::Repeated(3))];
    (log, [vec![Some(CommandOutcome::TooLittle), Some(CommandOutcome::Answered(5))], bought.to_vec()].concat())
}

fn answered(balances: [u8; 3]) -> Vec<Option<CommandOutcome>> {
    balances.map(|balance| Some(CommandOutcome::Answered(balance))).to_vec()
}

/// A row that comes and goes.
pub fn held_and_released() -> Expected {
    let log = vec![record(1, Command::Add(5)), record(2, Command::Hold(2)), record(3, Command::Release)];
    (log, answered([5, 3, 5]))
}

/// A row that comes, and a command that does not concern it.
pub fn held() -> Expected {
    let log = vec![record(1, Command::Add(5)), record(2, Command::Hold(2)), record(3, Command::Add(1))];
    (log, answered([5, 3, 4]))
}

/// A row that goes and comes by one command.
pub fn swapped() -> Expected {
    let log = vec![record(1, Command::Add(5)), record(2, Command::Hold(1)), record(3, Command::Swap(1))];
    (log, answered([5, 4, 4]))
}
