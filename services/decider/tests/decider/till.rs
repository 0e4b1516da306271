//! The product: tills with money in them. What is bought is paid from the balance, what is held comes back after a while, and
//! what is sent is credited to another till.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tidegate_kernel::command::{Attempt, CommandSource, Decider, Effect, Follow, OwnerId, Rules, ViewKey};
use tidegate_kernel::{LogKey, Timestamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Till(pub u32);

impl fmt::Display for Till {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "till-{}", self.0)
    }
}

impl FromStr for Till {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        text.strip_prefix("till-").and_then(|number| number.parse().ok()).map(Till).ok_or(())
    }
}

impl OwnerId for Till {
    fn log_key(&self) -> LogKey {
        LogKey::new(&self.0.to_be_bytes(), &[&self.to_string()])
    }
}

/// As a release decides them that knows rules up to this number. All rules are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tills<const KNOWN: u16 = 1>;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Book {
    pub balance: i64,
    pub held: Option<(Timestamp, i64)>,
    /// Things bought or sent.
    pub count: u64,
    pub padding: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    Fund { amount: i64 },
    Buy { price: i64 },
    Hold { amount: i64, for_ms: i64 },
    Send { to: Till, amount: i64 },
    Credit { amount: i64 },
    Pad { bytes: usize },
    Panic,
    Tick,
}

#[derive(Clone, Debug)]
pub enum Event {
    Added(i64),
    Bought(i64),
    Held(Timestamp, i64),
    Released,
    Sent(Till, i64),
    Padded(usize),
}

/// The balance after the command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Balance(pub i64);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TooPoor;

pub fn balance_row(till: Till) -> ViewKey {
    ViewKey { view: "balances", shard: "all".into(), row: till.to_string().into() }
}

pub fn hold_row(till: Till) -> ViewKey {
    ViewKey { view: "holds", shard: till.to_string().into(), row: "hold".into() }
}

impl<const KNOWN: u16> Decider for Tills<KNOWN> {
    type Owner = Till;
    type Book = Book;
    type Command = Command;
    type Event = Event;
    type Answer = Balance;
    type Refusal = TooPoor;

    const API: &'static str = "test";
    const RULES: Rules = Rules::new(KNOWN);
    const KEY_WINDOW_MS: i64 = 24 * 3_600_000;

    fn source(command: &Command) -> CommandSource {
        match command {
            Command::Fund { .. } => CommandSource::Operator,
            Command::Credit { .. } => CommandSource::Effect,
            Command::Tick => CommandSource::Tick,
            _ => CommandSource::Client,
        }
    }

    fn tick() -> Command {
        Command::Tick
    }

    fn advance(_: Rules, book: &Book, now: Timestamp) -> Vec<Event> {
        book.held.filter(|(until, _)| *until <= now).map(|_| Event::Released).into_iter().collect()
    }

    fn decide(_: Rules, book: &Book, command: &Command, now: Timestamp) -> Result<(Vec<Event>, Balance), TooPoor> {
        let afford = |amount: i64| if amount <= book.balance { Ok(amount) } else { Err(TooPoor) };
        let event = match command {
            Command::Fund { amount } | Command::Credit { amount } => Event::Added(*amount),
            Command::Buy { price } => Event::Bought(afford(*price)?),
            Command::Hold { .. } if book.held.is_some() => return Err(TooPoor),
            Command::Hold { amount, for_ms } => Event::Held(now.plus_millis(*for_ms), afford(*amount)?),
            Command::Send { to, amount } => Event::Sent(*to, afford(*amount)?),
            Command::Pad { bytes } => Event::Padded(*bytes),
            Command::Panic => panic!("as the test wants"),
            Command::Tick => return Ok((Vec::new(), Balance(book.balance))),
        };
        let mut after = book.clone();
        Self::evolve(&mut after, &event);
        Ok((vec![event], Balance(after.balance)))
    }

    fn evolve(book: &mut Book, event: &Event) {
        match event {
            Event::Added(amount) => book.balance += amount,
            Event::Bought(amount) | Event::Sent(_, amount) => {
                book.balance -= amount;
                book.count += 1;
            }
            Event::Held(until, amount) => {
                book.balance -= amount;
                book.held = Some((*until, *amount));
            }
            Event::Released => book.balance += book.held.take().map_or(0, |(_, amount)| amount),
            Event::Padded(bytes) => book.padding = "x".repeat(*bytes),
        }
    }

    fn follow(owner: Till, book: &Book, event: &Event, follow: &mut Follow<Self>) {
        follow.put(balance_row(owner), &book.balance);
        match event {
            Event::Held(until, _) => follow.put(hold_row(owner), until),
            Event::Released => follow.remove(hold_row(owner)),
            Event::Bought(price) => follow.deliver(format!("{owner}-{}", book.count), price),
            Event::Sent(to, amount) => follow.effects.push(Effect {
                owner: *to,
                attempt: Attempt::of_effect(&[&owner.0.to_be_bytes(), &book.count.to_be_bytes()]),
                command: Command::Credit { amount: *amount },
            }),
            Event::Added(_) | Event::Padded(_) => {}
        }
    }

    fn due(book: &Book) -> Option<Timestamp> {
        book.held.map(|(until, _)| until)
    }
}
