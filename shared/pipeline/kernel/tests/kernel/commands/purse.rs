//! A product with everything that the protocol knows: refusals, what falls due, and effects on another owner.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tidegate_kernel::command::{Attempt, CommandSource, Decider, Effect, Follow, OwnerId, Rules, ViewKey};
use tidegate_kernel::{LogKey, Timestamp};

/// Whose purse it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Name(pub u32);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "purse-{}", self.0)
    }
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.strip_prefix("purse-").and_then(|number| number.parse().ok());
        number.map(Name).ok_or_else(|| text.to_owned())
    }
}

impl OwnerId for Name {
    fn log_key(&self) -> LogKey {
        LogKey::new(&self.0.to_be_bytes(), &[&self.to_string()])
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purse;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Book {
    pub balance: u64,
    pub holds: BTreeMap<u32, Hold>,
    /// Counts spends, since a hold's id may be used again: what names an effect must be unique to its cause.
    pub spends: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hold {
    pub amount: u64,
    pub until: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Under rules 2 and later a deposit earns one more.
    Deposit(u64),
    /// An operator's deposit.
    Grant(u64),
    /// Sets an amount aside for a while.
    Hold {
        id: u32,
        amount: u64,
        for_ms: i64,
    },
    /// Spends a hold; the amount goes to another purse.
    Spend {
        id: u32,
        to: Name,
    },
    /// The other purse's side of a spend.
    Credit(u64),
    /// Changes nothing.
    Look,
    Tick,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    Added(u64),
    Held { id: u32, hold: Hold },
    Spent { id: u32, amount: u64, to: Name },
    Lapsed { id: u32 },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    pub balance: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    TooLittle { free: u64 },
    NoHold,
}

impl Book {
    fn free(&self) -> u64 {
        self.balance - self.holds.values().map(|hold| hold.amount).sum::<u64>()
    }
}

pub fn balance_row(owner: Name) -> ViewKey {
    ViewKey { view: "balances", shard: "all".into(), row: owner.to_string().into() }
}

pub fn hold_row(owner: Name, id: u32) -> ViewKey {
    ViewKey { view: "holds", shard: owner.to_string().into(), row: id.to_string().into() }
}

impl Decider for Purse {
    type Owner = Name;
    type Book = Book;
    type Command = Command;
    type Event = Event;
    type Answer = Answer;
    type Refusal = Refusal;

    const API: &'static str = "test";
    const RULES: Rules = Rules::new(3);
    const KEY_WINDOW_MS: i64 = 1_000;

    fn source(command: &Command) -> CommandSource {
        match command {
            Command::Deposit(_) | Command::Hold { .. } | Command::Spend { .. } | Command::Look => CommandSource::Client,
            Command::Grant(_) => CommandSource::Operator,
            Command::Credit(_) => CommandSource::Effect,
            Command::Tick => CommandSource::Tick,
        }
    }

    fn tick() -> Command {
        Command::Tick
    }

    fn advance(_: Rules, book: &Book, now: Timestamp) -> Vec<Event> {
        let mut due: Vec<_> = book.holds.iter().filter(|(_, hold)| hold.until <= now).collect();
        due.sort_by_key(|(id, hold)| (hold.until, **id));
        due.into_iter().map(|(id, _)| Event::Lapsed { id: *id }).collect()
    }

    fn decide(rules: Rules, book: &Book, command: &Command, now: Timestamp) -> Result<(Vec<Event>, Answer), Refusal> {
        let (added, event) = match *command {
            Command::Deposit(amount) => {
                let amount = amount + u64::from(rules >= Rules::new(2));
                (amount, Some(Event::Added(amount)))
            }
            Command::Grant(amount) | Command::Credit(amount) => (amount, Some(Event::Added(amount))),
            Command::Hold { amount, .. } if amount > book.free() => {
                return Err(Refusal::TooLittle { free: book.free() });
            }
            Command::Hold { id, amount, for_ms } => {
                (0, Some(Event::Held { id, hold: Hold { amount, until: now.plus_millis(for_ms) } }))
            }
            Command::Spend { id, to } => {
                let hold = book.holds.get(&id).ok_or(Refusal::NoHold)?;
                let balance = book.balance - hold.amount;
                return Ok((vec![Event::Spent { id, amount: hold.amount, to }], Answer { balance }));
            }
            Command::Look | Command::Tick => (0, None),
        };
        Ok((event.into_iter().collect(), Answer { balance: book.balance + added }))
    }

    fn evolve(book: &mut Book, event: &Event) {
        match *event {
            Event::Added(amount) => book.balance += amount,
            Event::Held { id, hold } => {
                book.holds.insert(id, hold);
            }
            Event::Spent { id, amount, .. } => {
                book.holds.remove(&id);
                book.balance -= amount;
                book.spends += 1;
            }
            Event::Lapsed { id } => {
                book.holds.remove(&id);
            }
        }
    }

    fn follow(owner: Name, book: &Book, event: &Event, follow: &mut Follow<Purse>) {
        match *event {
            Event::Added(_) => {}
            Event::Held { id, hold } => follow.put(hold_row(owner, id), &hold.amount),
            Event::Lapsed { id } => {
                follow.remove(hold_row(owner, id));
                follow.deliver(format!("{owner}-{id}-lapsed"), &id);
            }
            Event::Spent { id, amount, to } => {
                follow.remove(hold_row(owner, id));
                let attempt = Attempt::of_effect(&[b"spend", &owner.0.to_be_bytes(), &book.spends.to_be_bytes()]);
                follow.effects.push(Effect { owner: to, attempt, command: Command::Credit(amount) });
            }
        }
        follow.put(balance_row(owner), &book.balance);
    }

    fn due(book: &Book) -> Option<Timestamp> {
        book.holds.values().map(|hold| hold.until).min()
    }
}
