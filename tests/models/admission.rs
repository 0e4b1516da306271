//! What `202` means, as a model: several requests want the same id (one register, such as a run's start) with
//! contents that may differ, and each gets at most one answer.
//!
//! **Steps of a request.** It arrives and asks the gate, one atomic script:
//!
//! - no claim: it takes a new one and may append;
//! - a confirmed claim: `200` for the same content, `409` for another;
//! - an unconfirmed claim, same content: it joins, which renews the claim's age, and may append too;
//! - an unconfirmed claim, another content: it notes whether the claim is old, then reads the store. Stored: `200` or
//!   `409` by what is stored. Not stored: it takes an old claim over, provided the claim is still as it was seen, and
//!   may append; a young claim means `503`.
//!
//! A request that may append sends its record. The append is acknowledged (`202`, and the claim is confirmed at some
//! later step), fails for certain (`503`, and the claim is released at some later step if this is its sole holder),
//! or times out unknown (`503` with an outcome of its own, the claim stays). An unknown record may land later or
//! never. A front door may die between any two steps, which leaves a claim, and perhaps a record, behind.
//!
//! What a request does that others' claims block is not stated again here: the model calls the function that front
//! doors run (`tidegate_admission::blocked`).
//!
//! **The rest of the world.** A consumer applies the log to the store in log order, first wins. Once a claim's window
//! has passed (in configurations that allow it) the gate forgets it, and from then on whoever takes or joins a claim
//! on the id also reads the store before it appends.
//!
//! **The plan's slot.** A request that may append also holds a slot of its team's plan (the name of a new agent; units
//! go the same way). A confirmation keeps it, a release gives it back, and a dead front door leaves it behind. In
//! configurations that allow it a process settles it, in three steps: note whether the latest naming is old, read the
//! store, and give the slot back if that naming was old, nothing is stored, and no request has named it since.
//!
//! **Lost memory.** In configurations that allow it the gate loses all claims once; from then on whoever takes or joins a
//! claim reads the store, and where the store hangs it appends without: its content was compared with nothing, so it
//! never confirms.
//!
//! **Time** is only an order. A claim may turn old once no append admitted before its latest renewal can still land,
//! and all that landed is applied: exactly what "older than any append can take plus the consumers' lag" promises. A
//! window passes only once every request is over and everything is applied.
//!
//! **Left out.** Rate and quota; waiting a moment for an unconfirmed claim's outcome (it only delays the question),
//! and asking about a claim that keeps changing more than once; a gate that is down, or loses its memory before the
//! log is applied (there `200` and `409` degrade to `202` by design, as they do for what was compared with nothing);
//! redelivery to the consumer, which is [`crate::consuming`]. A client's retry is simply another request with the same
//! content.
//!
//! **Bounds.** Three or four requests, their contents as each check says; everything else is unbounded, and the walk
//! is complete. Requests with the same content are interchangeable, so states are kept with requests in sorted order.

mod blocked;
mod checks;
mod look_ups;
mod properties;
mod settling;
mod steps;

use crate::exhaustive::Walked;

/// What a request wants to store under the id; two requests agree when this is the same.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, PartialOrd, Ord)]
pub enum Content {
    A,
    B,
    C,
}

/// The rules of the protocol. Each can be switched off to see what it is for.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// A claim is confirmed only after its append is acknowledged.
    pub confirm_after_ack: bool,
    /// Meeting an unconfirmed claim of the same content, a request appends too, rather than answering `200`.
    pub joiners_append: bool,
    /// Joining a claim renews its age.
    pub joins_renew_age: bool,
    /// A claim with other holders is not released.
    pub only_sole_holder_releases: bool,
    /// A release names its holder: it does not touch a claim that has passed to another request.
    pub release_names_holder: bool,
    /// An append whose outcome is unknown keeps its claim.
    pub unknown_keeps_claim: bool,
    /// No unconfirmed claim vanishes by time alone.
    pub no_claim_lapses: bool,
    /// Only an old claim is taken over.
    pub takeover_waits_for_age: bool,
    /// Only a claim whose record is not in the store is taken over.
    pub takeover_asks_store: bool,
    /// The age is judged before the store is read, not after.
    pub age_before_store: bool,
    /// A claim is taken over only if it is still as it was seen.
    pub takeover_if_unchanged: bool,
    /// An admitted request that has not sent its record within the append's time bound gives up.
    pub deadline_before_append: bool,
    /// An id older than the claim window is also looked up in the store.
    pub old_ids_ask_store: bool,
    /// What was compared with nothing is not confirmed.
    pub uncompared_never_confirms: bool,
    /// Only where the gate lost its memory does a request go without a store that hangs.
    pub only_lost_memory_goes_without: bool,
    /// Only a slot whose latest naming is old is given back.
    pub giving_back_waits_for_age: bool,
    /// Only a slot of which nothing is stored is given back.
    pub giving_back_asks_store: bool,
    /// That age is judged before the store is read, not after.
    pub giving_back_age_before_store: bool,
    /// A slot that was named since is not given back.
    pub giving_back_spares_later_names: bool,
}

impl Rules {
    /// The protocol as designed.
    pub const ALL: Rules = Rules {
        confirm_after_ack: true,
        joiners_append: true,
        joins_renew_age: true,
        only_sole_holder_releases: true,
        release_names_holder: true,
        unknown_keeps_claim: true,
        no_claim_lapses: true,
        takeover_waits_for_age: true,
        takeover_asks_store: true,
        age_before_store: true,
        takeover_if_unchanged: true,
        deadline_before_append: true,
        old_ids_ask_store: true,
        uncompared_never_confirms: true,
        only_lost_memory_goes_without: true,
        giving_back_waits_for_age: true,
        giving_back_asks_store: true,
        giving_back_age_before_store: true,
        giving_back_spares_later_names: true,
    };
}

/// One configuration to check.
#[derive(Debug)]
pub struct Admission {
    pub rules: Rules,
    /// One entry for each request.
    pub contents: Vec<Content>,
    /// A holder that failed for certain, but is not the sole one, stops counting as a holder. Both ways are right.
    pub failed_holders_leave: bool,
    /// The claim's window may pass once.
    pub window_may_pass: bool,
    /// The gate may lose its memory once.
    pub memory_may_be_lost: bool,
    /// Reads of the store for an id that the gate may have forgotten may hang.
    pub store_may_hang: bool,
    /// The plan's slot is watched, and may be settled.
    pub slot_is_watched: bool,
    pub walked: Walked,
}

impl Admission {
    /// The protocol as designed, with one request for each content.
    pub fn of(contents: &[Content]) -> Admission {
        Admission {
            rules: Rules::ALL,
            contents: contents.to_vec(),
            failed_holders_leave: false,
            window_may_pass: false,
            memory_may_be_lost: false,
            store_may_hang: false,
            slot_is_watched: false,
            walked: Walked::default(),
        }
    }

    /// The same with other rules.
    pub fn under(self, rules: Rules) -> Admission {
        Admission { rules, ..self }
    }
}

/// What the gate knows about the id. Who holds a claim is noted at the requests.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub enum Claim {
    None,
    Unconfirmed { content: Content, old: bool },
    Confirmed(Content),
}

/// How a request came to be allowed to append.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, PartialOrd, Ord)]
pub enum Entry {
    New,
    Joined,
    TookOver,
}

/// The progress of a request; each phase is what it does next.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Not there yet.
    Waiting,
    /// Met another content's unconfirmed claim: will read the store. `unchanged`: no request touched the claim since.
    AskStore { old: bool, unchanged: bool },
    /// The store had nothing and the claim was old: will take it over.
    TakeOver { unchanged: bool },
    /// Holds a claim on an id older than the window: will look it up in the store.
    LookUp(Entry),
    /// May append.
    Admitted(Entry),
    /// The record is sent, and there is no acknowledgement yet.
    Sending,
    /// The record is on the log, and the front door has no acknowledgement.
    Landed,
    /// `202` is sent: will confirm.
    Confirming,
    /// Refused, or answered from the store: will release.
    Releasing,
    /// Answered or dead; does nothing more.
    Gone,
}

/// What a client was answered. Crashed front doors answer nothing.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// `202`.
    Accepted,
    /// `200`, by a confirmed claim.
    RepeatByClaim,
    /// `200`, by what is stored.
    RepeatByStore,
    /// `409`, by a confirmed claim.
    ConflictByClaim,
    /// `409`, by what is stored.
    ConflictByStore,
    /// `503`: nothing was left behind.
    Refused,
    /// `503`: the record may be on the log.
    Unknown,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    pub content: Content,
    pub phase: Phase,
    pub answer: Option<Answer>,
    /// Its record is in progress and may still land.
    pub in_flight: bool,
    /// It is a holder of the present claim.
    pub holds: bool,
    /// It joined without renewing the claim's age, so that the age says nothing about it.
    pub unseen_by_age: bool,
    /// The answer said that nothing was left behind, and its record is on the log.
    pub left_record: bool,
    /// Its content was compared with nothing.
    pub uncompared: bool,
    /// It holds the plan's slot.
    pub names: bool,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub struct State {
    /// Sorted, see the module's bounds.
    pub requests: Vec<Request>,
    pub claim: Claim,
    pub log: Vec<Content>,
    /// How many records of the log the consumer has applied.
    pub applied: usize,
    /// The id is older than the claim window by now.
    pub window_passed: bool,
    /// The gate lost its memory, and the id is older than what it remembers since.
    pub memory_lost: bool,
    pub slot: Slot,
    pub settler: Settler,
}

/// The plan's slot.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub enum Slot {
    Free,
    /// Named by requests. `old`: by none whose record may still land, or has landed and is not applied.
    Named {
        old: bool,
    },
    /// A record on the log names it.
    Kept,
}

/// Who settles the slot. `unchanged`: no request has named it since the first step.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub enum Settler {
    Idle,
    Noted { old: bool, unchanged: bool },
    Read { old: bool, unchanged: bool, stored: bool },
}

impl State {
    /// What the store has: the first record of the log, once that is applied.
    pub fn stored(&self) -> Option<Content> {
        self.log.first().copied().filter(|_| self.applied > 0)
    }

    /// No record can land any more and all that landed is applied.
    pub fn drained(&self) -> bool {
        self.applied == self.log.len() && !self.requests.iter().any(|r| r.in_flight)
    }
}
