//! A void, as a model: a record that a decider cannot decide stops its partition, and an operator sets it aside, while
//! deciders of a newer release, which can decide it, arrive.
//!
//! **The harm.** If one decider decides the record and another one skips it, the store is no function of the log. Both
//! are values of the same position, so neither wins by its write timestamp; and a zombie that has decided the record may
//! write at any later time. Whatever `void` reads of the store proves nothing about such a zombie.
//!
//! **The rules.** Every release registers permanently, before its first decider reads the voids. `void` first writes
//! that the record is asked to be void; then it reads which releases have registered; if one of them can decide the
//! record, it withdraws, else the void is in force. A decider that could decide the record waits while it is asked,
//! skips it once it is in force, and decides it if it was withdrawn. So either `void` sees the new release, or the new
//! release sees the void; no clock is needed.
//!
//! What a decider does at a record, which releases could decide it, and what becomes of a void are the functions that
//! deciders and `tidegate void` call (`kernel/src/command/void.rs`, `release.rs`).
//!
//! **Steps.** The group assigns the partition at most three times, to a decider of the old release, which stands at the
//! record, or of the new one. A decider reads the voids when it begins, and again while it stands. The operator takes its
//! steps once; it may stop after any of them. All else is as in [`super::deciding`].
//!
//! **The record after it** has the old rules. An old decider that meets a book of newer rules stands as well.

mod checks;
mod properties;
mod steps;

use super::log::{Record, Sequential};
use super::partition::{Partition, Void};
use super::rules::{Bounds, Rules};
use crate::exhaustive::Walked;

/// The record in question, which only the new release can decide: the first.
pub const CONTESTED: u8 = 0;

/// What `void` looks at before the void is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looks {
    /// At the releases that have registered: the rule.
    AtReleases,
    /// At the store: whether there is a fact of the record, or a book that includes it.
    AtStore,
}

/// What a decider that could decide the record does while the void is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhileAsked {
    /// The rule.
    Waits,
    Decides,
    Skips,
}

/// The rules of voids.
#[derive(Clone, Copy, Debug)]
pub struct VoidRules {
    pub looks: Looks,
    pub while_asked: WhileAsked,
    /// The void is asked before `void` looks, rather than written once it has looked.
    pub asks_first: bool,
    /// A release registers before its deciders read the voids.
    pub registers_first: bool,
}

impl VoidRules {
    pub const ALL: VoidRules =
        VoidRules { looks: Looks::AtReleases, while_asked: WhileAsked::Waits, asks_first: true, registers_first: true };
}

/// One configuration to check.
#[derive(Debug)]
pub struct Voiding {
    pub void_rules: VoidRules,
    pub rules: Rules,
    pub log: Vec<Record>,
    pub sequential: Sequential,
    /// The same without the record in question.
    pub without: Sequential,
    pub max_assignments: u8,
    pub bounds: Bounds,
    pub walked: Walked,
}

impl Voiding {
    pub fn over(log: &[Record]) -> Voiding {
        Voiding {
            void_rules: VoidRules::ALL,
            rules: Rules::ALL,
            log: log.to_vec(),
            sequential: Sequential::of(log),
            without: Sequential::skipping(Some(CONTESTED), log),
            max_assignments: 3,
            bounds: Bounds { max_poll: 1, partial_writes: false },
            walked: Walked::default(),
        }
    }

    pub fn under(self, void_rules: VoidRules) -> Voiding {
        Voiding { void_rules, ..self }
    }
}

/// What the operator has done.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub enum Operator {
    Idle,
    Asked,
    /// It has looked: whether the record may be void.
    Looked {
        may: bool,
    },
    Done,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub struct State {
    pub partition: Partition,
    /// The new release has registered.
    pub is_registered: bool,
    pub void: Void,
    pub operator: Operator,
}
