//! A decision that has an effect on another owner, as a model: money goes from a payer to a provider, whose commands stand
//! in another partition.
//!
//! **Steps.** Each partition has two consumers and is assigned once or twice, as in [`super::deciding`]. The payer's
//! consumer emits a `credit` for each purchase before it writes the payer's book: an append to the provider's log, whose
//! attempt is made from the purchase. Who decides the purchase again, or as a zombie, appends it again. The provider's
//! consumer decides what stands on its log.
//!
//! **Compared** is with a sequential execution of each log; that of the provider's is as the appends have made it.
//!
//! **Left out.** Effects that fail to be appended (the consumer waits before its book), several providers.

mod checks;
mod properties;
mod steps;

use super::log::{Record, Sequential};
use super::partition::Partition;
use super::rules::{Bounds, Rules};
use crate::exhaustive::Walked;

/// One configuration to check.
#[derive(Debug)]
pub struct Crossing {
    pub payers: Rules,
    pub providers: Rules,
    pub payers_log: Vec<Record>,
    pub payers_sequential: Sequential,
    /// Of the payer's partition and of the provider's.
    pub max_assignments: [u8; 2],
    pub bounds: Bounds,
    pub walked: Walked,
}

impl Crossing {
    /// The protocol as designed, over this log of the payer's.
    pub fn over(log: &[Record]) -> Crossing {
        Crossing {
            payers: Rules::ALL,
            providers: Rules::ALL,
            payers_log: log.to_vec(),
            payers_sequential: Sequential::of(log),
            max_assignments: [2, 1],
            bounds: Bounds { max_poll: 2, partial_writes: false },
            walked: Walked::default(),
        }
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub struct State {
    pub payer: Partition,
    pub provider: Partition,
    pub providers_log: Vec<Record>,
}
