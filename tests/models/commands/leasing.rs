//! Two workers on one piece of work, as a model: a worker leases it, renews the lease, and reports the end. Both may come
//! to work on it at once; one result counts.
//!
//! **Steps of a worker.** It asks for a lease; with a token it works, renews any number of times, and finishes. Each call
//! is a command: it is sent, reaches the log at any later time, and is decided there by `judge`; the worker reads the
//! answer at any later time still, or never gets it and asks the same again. A worker may stop permanently at any step.
//!
//! **The rest of the world.** A client submits work, of which one piece at most may be open, and may, where a check says so, cancel it once. Time
//! is a small number that goes up between any two steps; a command carries the time it was sent at. A tick may be decided
//! at any time.
//!
//! **The work.** A lease lasts two units. One that has lapsed is offered again; after two grants, or five units after the
//! first, the work fails instead. A worker that asks again before its first renewal gets the same lease.
//!
//! **Left out.** Who decides, and what is stored: that is [`super::deciding`], after which decisions may be taken as one
//! step in log order. Money is one charge for each piece of work.

mod checks;
mod properties;
mod steps;
mod work;

use crate::exhaustive::Walked;
use work::{Book, Command, CommandOutcome};

pub const WORKERS: usize = 2;

/// One configuration to check.
#[derive(Debug)]
pub struct Leasing {
    /// Which of the product's rules decide: 1 is all of them, see [`work`].
    pub rules: u16,
    /// How many pieces of work are submitted, after the first, which is there.
    pub submits: usize,
    pub workers: usize,
    pub max_time: u8,
    pub may_cancel: bool,
    pub walked: Walked,
}

impl Leasing {
    pub fn under(rules: u16) -> Leasing {
        Leasing { rules, submits: 0, workers: WORKERS, max_time: 5, may_cancel: false, walked: Walked::default() }
    }
}

/// A call that is in progress.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    pub command: Command,
    pub sent_at: u8,
    /// `None`: it has not reached the log.
    pub outcome: Option<CommandOutcome>,
}

#[derive(Clone, Copy, Debug, Default, Hash, PartialEq, Eq, PartialOrd, Ord)]
pub struct Worker {
    pub token: Option<u8>,
    pub call: Option<Call>,
    /// Its finish succeeded.
    pub is_answered: bool,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub struct State {
    pub time: u8,
    /// The owner's time.
    pub decided_at: u8,
    pub book: Book,
    pub workers: [Worker; WORKERS],
    /// Further submissions that are in progress, with what the front door saw open.
    pub submits: Vec<Call>,
    pub is_cancelled: bool,
    /// What a decision did that it must not do.
    pub breach: Option<Breach>,
}

#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub enum Breach {
    /// A worker asked, no worker had a lease, and it got nothing.
    AskedInVain,
    /// A result counted that is not of who had the lease.
    NotTheHolders,
    /// A worker whose result counts was answered that its lease is over.
    AnsweredStale,
}
