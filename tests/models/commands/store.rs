//! What is stored of one partition, in forms that are small and comparable: book, facts, view rows, account.

use std::collections::BTreeMap;

use tidegate_kernel::command::{self, Attempt, BookState, ContentFingerprint, FactId, Rules as Version};
use tidegate_kernel::{Position, Timestamp};

use super::purse::{self, Balance, Name, PROVIDER, Purse, ROWS, TooLittle};

pub fn position(offset: u8) -> Position {
    Position { generation: 1, partition: 0, offset: i64::from(offset) }
}

pub fn instant(at: u8) -> Timestamp {
    Timestamp::from_millis(i64::from(at))
}

/// A book with what the protocol keeps next to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Book {
    /// `None`: nothing was decided.
    pub decided_to: Option<u8>,
    pub now: u8,
    pub later_rules: u16,
    pub purse: purse::Book,
}

impl Book {
    pub fn of(state: &BookState<purse::Book>) -> Book {
        Book {
            decided_to: state.decided_to.map(|position| position.offset as u8),
            now: state.now.as_millis() as u8,
            later_rules: state.rules.version() - 1,
            purse: state.book,
        }
    }

    pub fn state(&self) -> BookState<purse::Book> {
        BookState {
            rules: Version::new(self.later_rules + 1),
            now: instant(self.now),
            decided_to: self.decided_to.map(position),
            book: self.purse,
        }
    }

    /// How many records of the log it includes.
    pub fn records(&self) -> usize {
        self.decided_to.map_or(0, |offset| usize::from(offset) + 1)
    }
}

/// What became of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CommandOutcome {
    Answered(u8),
    TooLittle,
    Repeated(u8),
    Mismatched,
    Expired,
}

impl CommandOutcome {
    pub fn of(outcome: &command::CommandOutcome<Purse>) -> CommandOutcome {
        match outcome {
            command::CommandOutcome::Answered(Balance(balance)) => CommandOutcome::Answered(*balance),
            command::CommandOutcome::Refused(TooLittle) => CommandOutcome::TooLittle,
            command::CommandOutcome::Repeated(Balance(balance)) => CommandOutcome::Repeated(*balance),
            command::CommandOutcome::Mismatched => CommandOutcome::Mismatched,
            command::CommandOutcome::Expired => CommandOutcome::Expired,
        }
    }

    fn whole(self) -> command::CommandOutcome<Purse> {
        match self {
            CommandOutcome::Answered(balance) => command::CommandOutcome::Answered(Balance(balance)),
            CommandOutcome::TooLittle => command::CommandOutcome::Refused(TooLittle),
            CommandOutcome::Repeated(balance) => command::CommandOutcome::Repeated(Balance(balance)),
            CommandOutcome::Mismatched => command::CommandOutcome::Mismatched,
            CommandOutcome::Expired => command::CommandOutcome::Expired,
        }
    }
}

/// A fact's name and the offset that is part of its key.
pub type FactName = (FactId, u8);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fact {
    pub decided_at: u8,
    pub of_key: bool,
    /// The attempt of its effect: no command here has two.
    pub effect: Option<u8>,
    pub outcome: CommandOutcome,
}

impl Fact {
    pub fn of(fact: &command::Fact<Purse>) -> Fact {
        Fact {
            decided_at: fact.decided_at.as_millis() as u8,
            of_key: fact.fingerprint.is_some(),
            effect: fact.effects.first().map(|(_, attempt)| attempt.bits() as u8),
            outcome: CommandOutcome::of(&fact.outcome),
        }
    }

    pub fn whole(&self, offset: u8) -> command::Fact<Purse> {
        let effect = |attempt: u8| -> (Name, Attempt) { (PROVIDER, Attempt::from_bits(u128::from(attempt))) };
        command::Fact {
            position: position(offset),
            decided_at: instant(self.decided_at),
            fingerprint: self.of_key.then_some(ContentFingerprint(0)),
            effects: self.effect.map(effect).into_iter().collect(),
            outcome: self.outcome.whole(),
        }
    }
}

/// A row as the record at an offset left it; without a value it was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row {
    pub position: Option<u8>,
    pub value: Option<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rows(pub [Row; ROWS]);

impl Rows {
    pub fn put(&mut self, row: usize, offset: u8, doc: Option<&[u8]>) {
        self.0[row] = Row { position: Some(offset), value: value(doc) };
    }

    /// Whether everything that `other` shows is here, or what came later.
    pub fn reach(&self, other: &Rows) -> bool {
        self.0.iter().zip(&other.0).all(|(row, other)| row.position >= other.position)
    }
}

/// Rows hold one number as JSON.
pub fn value(doc: Option<&[u8]>) -> Option<u8> {
    doc.and_then(|doc| std::str::from_utf8(doc).ok()?.parse().ok())
}

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Store {
    pub book: Book,
    pub facts: BTreeMap<FactName, Fact>,
    pub rows: Rows,
    /// The account says: everything below this offset.
    pub account: u8,
    /// Somewhere two values met under one write timestamp.
    pub disputed: bool,
}

impl Store {
    /// Of two books the one decided further stays.
    pub fn put_book(&mut self, book: Book) {
        self.disputed |= book.decided_to == self.book.decided_to && book != self.book;
        self.book = self.book.max(book);
    }

    pub fn put_fact(&mut self, name: FactName, fact: Fact) {
        let stored = self.facts.entry(name).or_insert(fact);
        self.disputed |= *stored != fact;
    }

    /// Of two writes of a row the one at the higher position stays; at the same position a removal.
    pub fn put_row(&mut self, row: usize, written: Row) {
        let stored = &mut self.rows.0[row];
        if stored.position == written.position {
            self.disputed |= stored.value != written.value;
            stored.value = stored.value.zip(written.value).map(|(stored, written)| stored.max(written));
        } else if written.position > stored.position {
            *stored = written;
        }
    }
}
