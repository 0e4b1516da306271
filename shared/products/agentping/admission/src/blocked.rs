//! A request that others' claims block: what it does next. A pure function; `claiming.rs` does what it says, and the
//! exhaustive model of `202` (`tests/models/admission.rs`) walks it.
//!
//! 1. A conflict with a confirmed claim refuses, where what the gate remembers proves it. Otherwise the store decides.
//! 2. An unconfirmed claim is waited for: its outcome is soon known.
//! 3. After the wait, the same content joins the claim.
//! 4. Other content asks the store, and the lag before it. What is stored decides. Where nothing is stored, the claim
//!    is taken over once its record can no longer reach the log, unless another request has renewed the claim since it was
//!    read.

use std::time::Duration;

use tidegate_agentping_ports::gate::OnUnconfirmed;
use tidegate_kernel::Timestamp;

use crate::per_claim::{ClaimName, PerClaim};
use crate::refusal::Refusal;
use crate::store_view::ByStore;

const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// How long a blocked request tries.
#[derive(Clone, Copy, Debug)]
pub struct BlockedBounds {
    /// How long it waits for the outcome of others, from when it was blocked first.
    pub wait_ms: u64,
    /// How often it asks the store about claims that keep changing.
    pub store_rounds: u32,
    /// Milliseconds after its admission by which a request's record is on the log, or never will be.
    pub lands_after_ms: u64,
}

/// How one claim is asked for the next time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimMode {
    Ask(OnUnconfirmed),
    /// Not at all: the store has it, with the same content.
    Settled,
}

/// Why one claim blocks its request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blocker {
    /// A confirmed claim of other content. `refusal`: where what the gate remembers of it is enough for one.
    Conflict { refusal: Option<Refusal> },
    /// A claim of others whose outcome is not known.
    Unconfirmed {
        same_content: bool,
        /// When it was claimed or joined last, by the gate's clock.
        renewed_at: Timestamp,
        /// How long ago that is, by the gate's clock.
        age_ms: u64,
    },
}

/// What is known when a blocked request decides.
#[derive(Clone, Copy, Debug)]
pub struct Met<'a> {
    /// By the gate's last verdict; `None` for claims that block nothing.
    pub blockers: &'a PerClaim<Option<Blocker>>,
    /// How long ago the request was blocked first.
    pub blocked_for: Duration,
    /// What the store said, if it was asked after that verdict.
    pub store: Option<&'a StoreAnswer>,
}

/// What the store says of each claim.
#[derive(Clone, Debug)]
pub struct StoreAnswer {
    /// How long the oldest record that is not applied has waited, as read *before* the store; `None`: not known.
    pub lag_ms: Option<u64>,
    pub claims: PerClaim<ByStore>,
}

/// What a blocked request does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Waits so long, then asks the gate again.
    Wait(Duration),
    /// Asks the gate again, by [`Blocked::modes`].
    AskGate,
    /// Asks the store, then decides again with its answer. `with_lag`: the lag is read first.
    AskStore { with_lag: bool },
    /// Is refused for a conflict.
    Refuse(Refusal),
    /// Is refused because the other request's outcome decides, and is not known.
    RefuseUndecided,
}

/// The state of a request that is blocked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// How each claim is asked for the next time.
    pub modes: PerClaim<ClaimMode>,
    pause: Duration,
    joining: bool,
    store_rounds: u32,
}

impl Blocked {
    /// A request that makes these claims was blocked just now.
    pub fn new(claims: PerClaim<()>) -> Self {
        let modes = claims.map(|()| ClaimMode::Ask(OnUnconfirmed::Report));
        Blocked { modes, pause: FIRST_PAUSE, joining: false, store_rounds: 0 }
    }

    /// The gate blocked the request, or the store has answered what the last [`Action::AskStore`] asked: what the
    /// request does next.
    pub fn next(&mut self, bounds: &BlockedBounds, met: Met<'_>) -> Action {
        let conflicts = || {
            met.blockers.iter().filter_map(|blocker| match blocker {
                Some(Blocker::Conflict { refusal }) => Some(refusal.as_ref()),
                _ => None,
            })
        };
        let in_conflict = conflicts().next().is_some();
        match (met.store, conflicts().flatten().next()) {
            (_, Some(refusal)) => Action::Refuse(refusal.clone()),
            (None, None) if in_conflict => Action::AskStore { with_lag: false },
            (Some(store), None) if in_conflict => self.by_store_in_conflict(bounds, met.blockers, store),
            (None, None) => self.without_store(bounds, met.blocked_for),
            (Some(store), None) => self.by_store_unconfirmed(bounds, met.blockers, store),
        }
    }

    /// Waits, then joins, then asks the store.
    fn without_store(&mut self, bounds: &BlockedBounds, blocked_for: Duration) -> Action {
        if !self.joining && blocked_for < Duration::from_millis(bounds.wait_ms) {
            let pause = self.pause;
            self.pause = (pause * 2).min(LONGEST_PAUSE);
            return Action::Wait(pause);
        }
        if !self.joining {
            self.joining = true;
            for mode in self.modes.iter_mut().filter(|mode| **mode != ClaimMode::Settled) {
                *mode = ClaimMode::Ask(OnUnconfirmed::Join);
            }
            return Action::AskGate;
        }
        self.count_round(bounds, Action::AskStore { with_lag: true })
    }

    /// Conflicts by fingerprint, of which the gate does not remember the content.
    fn by_store_in_conflict(
        &mut self,
        bounds: &BlockedBounds,
        blockers: &PerClaim<Option<Blocker>>,
        store: &StoreAnswer,
    ) -> Action {
        for (name, blocker) in blockers.named() {
            let Some(Blocker::Conflict { .. }) = blocker else { continue };
            match store.claims.get(name) {
                Some(ByStore::Same) => self.set(name, ClaimMode::Settled),
                Some(ByStore::Other(refusal)) => return Action::Refuse(refusal.clone()),
                Some(ByStore::Absent) | None => return Action::RefuseUndecided,
            }
        }
        self.count_round(bounds, Action::AskGate)
    }

    /// Unconfirmed claims, after the wait. A claim's age is the one of the gate's last verdict.
    fn by_store_unconfirmed(
        &mut self,
        bounds: &BlockedBounds,
        blockers: &PerClaim<Option<Blocker>>,
        store: &StoreAnswer,
    ) -> Action {
        for (name, blocker) in blockers.named() {
            let Some(Blocker::Unconfirmed { same_content, renewed_at, age_ms }) = blocker else { continue };
            let mode = match store.claims.get(name) {
                _ if *same_content => ClaimMode::Ask(OnUnconfirmed::Join),
                Some(ByStore::Same) => ClaimMode::Settled,
                Some(ByStore::Other(refusal)) => return Action::Refuse(refusal.clone()),
                Some(ByStore::Absent) if bounds.never_lands(*age_ms, store.lag_ms) => {
                    ClaimMode::Ask(OnUnconfirmed::TakeOver { seen_renewed_at: *renewed_at })
                }
                Some(ByStore::Absent) | None => return Action::RefuseUndecided,
            };
            self.set(name, mode);
        }
        Action::AskGate
    }

    fn set(&mut self, name: ClaimName, mode: ClaimMode) {
        if let Some(of_claim) = self.modes.get_mut(name) {
            *of_claim = mode;
        }
    }

    fn count_round(&mut self, bounds: &BlockedBounds, action: Action) -> Action {
        self.store_rounds += 1;
        if self.store_rounds > bounds.store_rounds { Action::RefuseUndecided } else { action }
    }
}

impl BlockedBounds {
    /// Whether all that was admitted up to the claim's last renewal has landed and is applied, or never will land. Two
    /// durations are compared, so that differences between clocks do not count.
    fn never_lands(&self, claim_age_ms: u64, lag_ms: Option<u64>) -> bool {
        lag_ms.is_some_and(|lag_ms| claim_age_ms > lag_ms.saturating_add(self.lands_after_ms))
    }
}

#[cfg(test)]
mod tests;
