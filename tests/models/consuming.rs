//! The store is a function of the log, as a model: two consumers share one partition's log through a group, and each
//! may believe that it owns the partition.
//!
//! **Steps of a consumer.** It is assigned the partition with a new epoch and starts at the committed offset. It polls
//! one to three records, loads the runs they belong to and folds them in memory: one write for each run, which carries
//! the run's absolute summary, the events that are new to it, and as write timestamp the highest offset folded in.
//! Each write lands in one atomic step; its completion marks the run's records in the ledger, and the ledger's
//! contiguous part may be committed. The next poll follows when every write of the last one is completed.
//!
//! **What goes wrong.** The partition is assigned again between any two steps, to the other consumer or to the same one
//! again. A consumer that lost it is a zombie: it keeps polling, loading and writing for as long as it likes. (One
//! that notices does nothing more, which any consumer may do at any time, so noticing needs no step.) A write may land
//! unheard and be repeated. A process may crash. Writes in progress when a consumer loses its life or is assigned again
//! stay in progress: each may land at any later time or never; if the process lives, its completion still comes in.
//!
//! **The store** keeps, cell by cell, the value with the greatest write timestamp, and of two values with the same
//! timestamp the greater one. A summary has the start (first wins), the finish (first wins), the number of events, and
//! the status, a word whose order says nothing: `running` is greater than `failed`.
//!
//! **Left out.** Dead letters, listings, more partitions, and the topic generation above the offset: none of them has
//! a state of its own here. The broker accepts commits of the present epoch only, but one check shows that nothing
//! rests on that.
//!
//! **Bounds.** One partition with two runs and three or four records; two consumers; at most three assignments in all
//! and one crash; polls of at most three records. Within them every order of steps is walked. The consumers are
//! interchangeable, so states are kept with them in sorted order.

mod checks;
mod properties;
mod steps;
mod store;

use crate::exhaustive::Walked;
use store::{StoredRun, Write};

pub const RUNS: usize = 2;
pub const CONSUMERS: usize = 2;
pub const MAX_POLL_RECORDS: usize = 3;

/// One record of the log: which run it belongs to and what it says.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    pub run: usize,
    pub says: Says,
}

/// Contents are small numbers from 1; 0 stands for "nothing" in a cell.
#[derive(Clone, Copy, Debug)]
pub enum Says {
    Start(u8),
    Event { id: usize, content: u8 },
    Finish(store::Status),
}

/// Where a write's timestamp comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteTimestamp {
    /// The highest offset folded into the write: the rule.
    Offset,
    /// The store's clock when the write comes in: whoever comes last wins.
    Arrival,
    /// The broker's clock: neighbouring records share a millisecond.
    BrokerMillisecond,
}

/// The rules of the protocol. Each can be changed to see what it is for.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    pub write_timestamp: WriteTimestamp,
    /// Only what is stored is committed, rather than what is polled.
    pub write_before_commit: bool,
    /// The contiguous part of what is stored is committed, rather than the highest of it.
    pub commit_contiguous: bool,
    /// A completion from a former assignment of the same process does not count in the present one.
    pub ledger_checks_epoch: bool,
    /// Summaries are absolute values, rather than increments.
    pub absolute_summary: bool,
    /// The summary and the events of a run land in one step, rather than one after the other.
    pub one_batch: bool,
    /// Each poll loads the runs again, rather than trusting what this process loaded in a former assignment.
    pub load_each_poll: bool,
    /// The broker refuses a commit of a former epoch. The protocol also stands without.
    pub broker_fences_commits: bool,
}

impl Rules {
    /// The protocol as designed.
    pub const ALL: Rules = Rules {
        write_timestamp: WriteTimestamp::Offset,
        write_before_commit: true,
        commit_contiguous: true,
        ledger_checks_epoch: true,
        absolute_summary: true,
        one_batch: true,
        load_each_poll: true,
        broker_fences_commits: true,
    };
}

/// One configuration to check.
#[derive(Debug)]
pub struct Consuming {
    pub rules: Rules,
    pub log: Vec<Record>,
    pub max_assignments: u8,
    pub max_crashes: u8,
    pub walked: Walked,
}

impl Consuming {
    /// The protocol as designed, over this log.
    pub fn over(log: &[Record]) -> Consuming {
        Consuming {
            rules: Rules::ALL,
            log: log.to_vec(),
            max_assignments: 3,
            max_crashes: 1,
            walked: Walked::default(),
        }
    }

    /// The same with other rules.
    pub fn under(self, rules: Rules) -> Consuming {
        Consuming { rules, ..self }
    }
}

/// One consumer process. Sorted first by the epoch it believes in, which two never share but when it is none.
#[derive(Clone, Debug, Default, Hash, PartialEq, Eq, PartialOrd, Ord)]
pub struct Consumer {
    /// The assignment it believes to have; 0 is none.
    pub epoch: u8,
    /// The ledger: everything below is stored, as far as this consumer knows.
    pub stored_below: usize,
    /// The ledger: offsets from `stored_below` on that are stored, out of turn.
    pub stored_beyond: Vec<usize>,
    /// The offset to poll next. What lies between the ledger and this is the poll at work.
    pub next: usize,
    /// The writes of the poll at work that are not completed, at most one for each run.
    pub writes: Vec<Write>,
    /// Writes of its former assignments that are still in progress.
    pub left_behind: Vec<Write>,
    /// What it folded last, for each run: used only without the rule that forbids it.
    pub cached: [Option<store::Run>; RUNS],
}

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub struct State {
    /// Sorted, see the module's bounds.
    pub consumers: [Consumer; CONSUMERS],
    /// The group's present assignment.
    pub epoch: u8,
    /// The group's committed offset: the next one to read.
    pub committed: usize,
    /// The highest offset ever committed, which whoever trims the log or reads the lag has acted on.
    pub promised: usize,
    pub store: [StoredRun; RUNS],
    /// Writes of crashed processes that are still in progress.
    pub adrift: Vec<Write>,
    pub crashes: u8,
    /// Somewhere two values met under one timestamp, and the greater one stayed.
    pub disputed: bool,
}
