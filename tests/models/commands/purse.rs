//! The product of these models: a purse, with what the protocol has to carry. Numbers are small, so that states are.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tidegate_kernel::command::{Attempt, CommandSource, Decider, Effect, Follow, OwnerId, Rules, ViewKey};
use tidegate_kernel::{LogKey, Timestamp};

/// Rows of a purse: its balance, and its hold, which comes and goes.
pub const ROWS: usize = 2;
pub const BALANCE_ROW: usize = 0;

/// The attempts of effects; those of clients are smaller.
pub const FIRST_EFFECT: u8 = 100;

/// An owner has a partition of its own, of the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Name(pub u8);

pub const PAYER: Name = Name(0);
pub const PROVIDER: Name = Name(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purse;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Book {
    pub balance: u8,
    pub held: u8,
    pub spent: u8,
    pub added: u8,
    pub buys: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Command {
    Add(u8),
    /// Pays the provider. Under rules 2 and later it costs one more.
    Buy(u8),
    /// The provider's side of a purchase.
    Credit(u8),
    /// Sets an amount aside: the row of the hold comes.
    Hold(u8),
    /// Replaces the hold: its row goes and comes.
    Swap(u8),
    /// Ends the hold: its row goes.
    Release,
    /// Nothing is ever due here.
    Tick,
}

#[derive(Clone, Copy, Debug)]
pub enum Event {
    Added(u8),
    Bought { number: u8, price: u8 },
    Held(u8),
    Released,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Balance(pub u8);

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TooLittle;

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Name {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Name)
    }
}

impl OwnerId for Name {
    fn log_key(&self) -> LogKey {
        LogKey::new(&[self.0], &[])
    }
}

fn row(row: &'static str) -> ViewKey {
    ViewKey { view: "purse", shard: "".into(), row: row.into() }
}

/// The number of a row.
pub fn number(key: &ViewKey) -> usize {
    usize::from(key.row != "balance")
}

impl Decider for Purse {
    type Owner = Name;
    type Book = Book;
    type Command = Command;
    type Event = Event;
    type Answer = Balance;
    type Refusal = TooLittle;

    const API: &'static str = "test";
    const RULES: Rules = Rules::new(2);
    const KEY_WINDOW_MS: i64 = 10;

    fn source(command: &Command) -> CommandSource {
        match command {
            Command::Credit(_) => CommandSource::Effect,
            Command::Tick => CommandSource::Tick,
            _ => CommandSource::Client,
        }
    }

    fn tick() -> Command {
        Command::Tick
    }

    fn advance(_: Rules, _: &Book, _: Timestamp) -> Vec<Event> {
        Vec::new()
    }

    fn decide(rules: Rules, book: &Book, command: &Command, _: Timestamp) -> Result<(Vec<Event>, Balance), TooLittle> {
        let (events, free, cost) = match *command {
            Command::Add(amount) | Command::Credit(amount) => {
                return Ok((vec![Event::Added(amount)], Balance(book.balance + amount)));
            }
            Command::Buy(price) => {
                let price = price + u8::from(rules > Rules::FIRST);
                (vec![Event::Bought { number: book.buys, price }], book.balance, price)
            }
            Command::Hold(amount) => (vec![Event::Held(amount)], book.balance, amount),
            Command::Swap(amount) => (vec![Event::Released, Event::Held(amount)], book.balance + book.held, amount),
            Command::Release => (vec![Event::Released], book.balance + book.held, 0),
            Command::Tick => (Vec::new(), book.balance, 0),
        };
        if cost > free { Err(TooLittle) } else { Ok((events, Balance(free - cost))) }
    }

    fn evolve(book: &mut Book, event: &Event) {
        match *event {
            Event::Added(amount) => {
                book.balance += amount;
                book.added += amount;
            }
            Event::Bought { price, .. } => {
                book.balance -= price;
                book.spent += price;
                book.buys += 1;
            }
            Event::Held(amount) => {
                book.balance -= amount;
                book.held += amount;
            }
            Event::Released => book.balance += std::mem::take(&mut book.held),
        }
    }

    fn follow(_: Name, book: &Book, event: &Event, follow: &mut Follow<Purse>) {
        match *event {
            Event::Added(_) => {}
            Event::Bought { number, price } => follow.effects.push(Effect {
                owner: PROVIDER,
                attempt: Attempt::from_bits(u128::from(FIRST_EFFECT + number)),
                command: Command::Credit(price),
            }),
            Event::Held(amount) => follow.put(row("hold"), &amount),
            Event::Released => follow.remove(row("hold")),
        }
        follow.put(row("balance"), &book.balance);
    }

    fn due(_: &Book) -> Option<Timestamp> {
        None
    }
}
