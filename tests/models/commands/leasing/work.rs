//! The product of this model: work that is leased.

use serde::{Deserialize, Serialize};
use tidegate_kernel::Timestamp;
use tidegate_kernel::command::{CommandSource, Decider, Follow, Rules};

use crate::commands::purse::Name;

pub const LEASE: u8 = 2;
pub const DEADLINE: u8 = 5;
pub const MAX_GRANTS: u8 = 2;
pub const MAX_OPEN: u8 = 1;

/// The versions of the rules: the first is the protocol, each other one has something off.
pub const ALL: u16 = 1;
pub const NO_TOKEN: u16 = 2;
pub const NO_LAPSE: u16 = 3;
pub const NO_DEADLINE: u16 = 4;
pub const NO_CAP: u16 = 5;
pub const LIMIT_AT_FRONT_DOOR: u16 = 6;
pub const FINISHED_AGAIN_IS_STALE: u16 = 7;
pub const ASKED_AGAIN_GETS_NOTHING: u16 = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Phase {
    #[default]
    Absent,
    Queued,
    Leased,
    Ended,
}

/// One piece of work that workers see; of any other only that it is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Book {
    pub open: u8,
    pub phase: Phase,
    /// Counts grants.
    pub token: u8,
    pub holder: u8,
    pub is_renewed: bool,
    pub leased_until: u8,
    pub first_granted_at: Option<u8>,
    /// Whose result counts.
    pub result: Option<u8>,
    pub charges: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Command {
    Submit,
    Lease { worker: u8 },
    Renew { token: u8 },
    Finish { token: u8, worker: u8 },
    Cancel,
    Tick,
}

#[derive(Clone, Copy, Debug)]
pub enum Event {
    Submitted,
    Granted { worker: u8, at: u8 },
    Renewed { until: u8 },
    Lapsed,
    Ended { result: Option<u8> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Answer {
    Done,
    Lease { token: u8 },
    NoWork,
}

/// An old token, or work that is over; or too much is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Refused;

pub type CommandOutcome = Result<Answer, Refused>;

fn units(now: Timestamp) -> u8 {
    now.as_millis() as u8
}

impl Book {
    pub fn deadline(&self) -> Option<u8> {
        self.first_granted_at.map(|at| at + DEADLINE)
    }

    fn has_lease(&self, rules: Rules, token: u8) -> bool {
        self.phase == Phase::Leased && (token == self.token || rules == Rules::new(NO_TOKEN))
    }

    fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Queued | Phase::Leased)
    }
}

impl Decider for Work {
    type Owner = Name;
    type Book = Book;
    type Command = Command;
    type Event = Event;
    type Answer = Answer;
    type Refusal = Refused;

    const API: &'static str = "test";
    const RULES: Rules = Rules::new(ASKED_AGAIN_GETS_NOTHING);
    const KEY_WINDOW_MS: i64 = 0;

    fn source(command: &Command) -> CommandSource {
        if *command == Command::Tick { CommandSource::Tick } else { CommandSource::Client }
    }

    fn tick() -> Command {
        Command::Tick
    }

    fn advance(rules: Rules, book: &Book, now: Timestamp) -> Vec<Event> {
        let (now, off) = (units(now), |version| rules == Rules::new(version));
        let is_over = book.is_open() && book.deadline().is_some_and(|at| at <= now) && !off(NO_DEADLINE);
        let has_lapsed = book.phase == Phase::Leased && book.leased_until <= now && !off(NO_LAPSE);
        let is_last = book.token >= MAX_GRANTS && !off(NO_CAP);
        match (has_lapsed, is_over || (has_lapsed && is_last)) {
            (true, false) => vec![Event::Lapsed],
            (true, true) => vec![Event::Lapsed, Event::Ended { result: None }],
            (false, true) => vec![Event::Ended { result: None }],
            (false, false) => Vec::new(),
        }
    }

    fn decide(rules: Rules, book: &Book, command: &Command, now: Timestamp) -> Result<(Vec<Event>, Answer), Refused> {
        let off = |version| rules == Rules::new(version);
        let event = match *command {
            Command::Submit if book.open >= MAX_OPEN && !off(LIMIT_AT_FRONT_DOOR) => return Err(Refused),
            Command::Submit => Event::Submitted,
            Command::Lease { worker } => {
                let is_same = book.phase == Phase::Leased && book.holder == worker && !book.is_renewed;
                return Ok(match book.phase {
                    Phase::Queued => {
                        (vec![Event::Granted { worker, at: units(now) }], Answer::Lease { token: book.token + 1 })
                    }
                    _ if is_same && !off(ASKED_AGAIN_GETS_NOTHING) => (Vec::new(), Answer::Lease { token: book.token }),
                    _ => (Vec::new(), Answer::NoWork),
                });
            }
            Command::Renew { token } if book.has_lease(rules, token) => Event::Renewed { until: units(now) + LEASE },
            Command::Finish { token, worker } if book.has_lease(rules, token) => Event::Ended { result: Some(worker) },
            // The same again.
            Command::Finish { token, worker } => {
                let is_same = (book.token == token && book.result == Some(worker)) || off(NO_TOKEN);
                let counts = book.phase == Phase::Ended && book.result.is_some() && is_same;
                return if counts && !off(FINISHED_AGAIN_IS_STALE) {
                    Ok((Vec::new(), Answer::Done))
                } else {
                    Err(Refused)
                };
            }
            Command::Cancel if book.is_open() => Event::Ended { result: None },
            Command::Renew { .. } | Command::Cancel => return Err(Refused),
            Command::Tick => return Ok((Vec::new(), Answer::Done)),
        };
        Ok((vec![event], Answer::Done))
    }

    fn evolve(book: &mut Book, event: &Event) {
        match *event {
            Event::Submitted => {
                book.open += 1;
                if book.phase == Phase::Absent {
                    book.phase = Phase::Queued;
                }
            }
            Event::Granted { worker, at } => {
                book.phase = Phase::Leased;
                book.token += 1;
                book.holder = worker;
                book.is_renewed = false;
                book.leased_until = at + LEASE;
                book.first_granted_at.get_or_insert(at);
            }
            Event::Renewed { until } => {
                book.is_renewed = true;
                book.leased_until = until;
            }
            Event::Lapsed => book.phase = Phase::Queued,
            Event::Ended { result } => {
                book.phase = Phase::Ended;
                book.result = result;
                book.open -= 1;
                book.charges += 1;
            }
        }
    }

    fn follow(_: Name, _: &Book, _: &Event, _: &mut Follow<Work>) {}

    fn due(_: &Book) -> Option<Timestamp> {
        None
    }
}
