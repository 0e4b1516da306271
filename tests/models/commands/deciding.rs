//! One partition of commands as a model: the store is a function of the log, and no client gets a false answer.
//!
//! **Steps.** The group assigns the partition to one of three consumers, twice or three times, from the committed offset
//! or, once, from the start of the log (a reset of the group). A consumer polls one or more records and reads the book, or
//! has it in memory from the poll before; then it reads the facts and decides by `judge`; then it does its writes, one
//! after the other: views, facts, effects, book, account, offset. Of a write that stores several things any part may be
//! stored. Who lost the partition continues with all of it as a zombie for as long as it likes: there may be two. A
//! crash is a consumer that takes no further step, or is assigned again.
//!
//! **The log** is there from the beginning, since a record that is not there yet is equivalent to one that was not
//! polled yet. It holds what clients, redeliveries and replays append: an attempt again, with or without the header of
//! a replay; an idempotency key again; a command that is refused and would later succeed.
//!
//! **The store** takes of two writes of a value the one at the higher position, and, at the same one, a removal or the
//! greater value. Facts are only inserted.
//!
//! **Compared** is with a sequential execution, one record after the other, also by `judge`; each check says what becomes
//! of its records, so that this is pinned, too.
//!
//! **Left out.** Halts at records that cannot be decided, which is [`super::voiding`]; other owners of the partition,
//! whose books share nothing but the offset; the contiguous ledger, which is [`crate::consuming`].

mod checks;
mod logs;
mod properties;
mod rows;
mod steps;

use std::collections::BTreeSet;

use super::log::{Record, Sequential};
use super::partition::Partition;
use super::rules::{Bounds, Rules};
use crate::exhaustive::Walked;

/// One configuration to check.
#[derive(Debug)]
pub struct Deciding {
    pub rules: Rules,
    pub log: Vec<Record>,
    pub sequential: Sequential,
    pub consumers: usize,
    pub max_assignments: u8,
    pub max_resets: u8,
    pub bounds: Bounds,
    pub walked: Walked,
}

impl Deciding {
    /// The protocol as designed, over this log.
    pub fn over(log: &[Record]) -> Deciding {
        Deciding {
            rules: Rules::ALL,
            log: log.to_vec(),
            sequential: Sequential::of(log),
            consumers: 3,
            max_assignments: 3,
            max_resets: 0,
            bounds: Bounds { max_poll: 2, partial_writes: false },
            walked: Walked::default(),
        }
    }

    /// The same with one zombie at most.
    pub fn with_one_zombie(self) -> Deciding {
        Deciding { consumers: 2, max_assignments: 2, ..self }
    }

    /// The same with other rules.
    pub fn under(self, rules: Rules) -> Deciding {
        Deciding { rules, ..self }
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub struct State {
    pub partition: Partition,
    /// The attempts of the effects that are on other logs.
    pub sent: BTreeSet<u8>,
    pub resets: u8,
}
