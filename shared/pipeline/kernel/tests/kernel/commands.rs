//! How commands are judged, with a small product: a purse.

mod formats;
mod keys;
mod purse;
mod replaying;
mod same_store;
mod steps;
mod voids;

use std::fmt::Debug;

use purse::{Command, Name, Purse};
use tidegate_kernel::command::{
    Attempt, BookState, CommandDecision, CommandOutcome, ContentFingerprint, Envelope, Fact, IdempotencyKey, Judged,
    KeyHash, Prior, RecordPlace, Rules, judge,
};
use tidegate_kernel::{Position, Timestamp};

type State = BookState<purse::Book>;

const OWNER: Name = Name(7);

fn at(offset: i64) -> Position {
    Position { generation: 1, partition: 3, offset }
}

fn time(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// A record that reaches the log when it is received.
fn place(offset: i64, millis: i64) -> RecordPlace {
    RecordPlace { position: at(offset), appended_at: time(millis), origin: None }
}

fn envelope(command: Command, millis: i64) -> Envelope<Purse> {
    Envelope {
        rules: Rules::FIRST,
        owner: OWNER,
        attempt: Some(Attempt::from_bits(1)),
        key: None,
        received_at: time(millis),
        command,
    }
}

fn keyed(command: Command, millis: i64, fingerprint: u128) -> Envelope<Purse> {
    let key = IdempotencyKey { hash: KeyHash(5), fingerprint: ContentFingerprint(fingerprint) };
    Envelope { key: Some(key), ..envelope(command, millis) }
}

/// A fact of an answered command.
fn answered(offset: i64, millis: i64, fingerprint: u128) -> Fact<Purse> {
    Fact {
        position: at(offset),
        decided_at: time(millis),
        fingerprint: Some(ContentFingerprint(fingerprint)),
        effects: Vec::new(),
        outcome: CommandOutcome::Answered(purse::Answer { balance: offset.unsigned_abs() }),
    }
}

/// A purse as it is after the command at `offset`.
fn state(offset: i64, millis: i64, balance: u64) -> State {
    State {
        rules: Rules::FIRST,
        now: time(millis),
        decided_to: Some(at(offset)),
        book: purse::Book { balance, ..purse::Book::default() },
    }
}

/// Judges a record of which nothing is known.
fn alone(state: &mut State, envelope: &Envelope<Purse>, place: RecordPlace) -> Judged<Purse> {
    judge(state, envelope, place, Prior::NONE)
}

#[track_caller]
fn decided(judged: Judged<Purse>) -> CommandDecision<Purse> {
    match judged {
        Judged::Decided(decision) => *decision,
        other => panic!("not decided: {other:?}"),
    }
}

#[track_caller]
fn is_same<T: Debug>(left: &T, right: &T) {
    assert_eq!(format!("{left:?}"), format!("{right:?}"));
}
