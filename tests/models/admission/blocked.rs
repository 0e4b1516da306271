//! Requests at the gate in the admission model. What a blocked one does next, [`Blocked::next`] says: the very function
//! that front doors run. A rule that is off changes what the function is given, or what the gate does.

use std::time::Duration;

use tidegate_admission::blocked::{Action, Blocked, BlockedBounds, Blocker, ClaimMode, Met, StoreAnswer};
use tidegate_admission::per_claim::PerClaim;
use tidegate_admission::{ByStore, Refusal};
use tidegate_agentping_ports::gate::OnUnconfirmed;
use tidegate_kernel::Timestamp;

use super::{Admission, Answer, Claim, Entry, Phase, State};

/// A claim that keeps changing is left to the client's retry, which is another request.
const BOUNDS: BlockedBounds = BlockedBounds { wait_ms: 1, store_rounds: 1, lands_after_ms: 10 };
/// Every request has waited for the outcome of others.
const WAITED: Duration = Duration::from_millis(BOUNDS.wait_ms);
const LAG_MS: u64 = 5;
/// The least age of a claim of which nothing can land any more.
const OLD_MS: u64 = BOUNDS.lands_after_ms + LAG_MS + 1;
/// Which state of a claim was seen. The model notes at the requests whether it changed.
const SEEN: Timestamp = Timestamp::from_millis(0);
/// Any conflict.
const CONFLICT: Refusal = Refusal::EventConflict { index: 0 };

impl Admission {
    /// Asks the gate, then continues until it is admitted, answered, or has to ask the store. What it asked the gate
    /// before the last time took nothing, so all of it is one step.
    pub fn arrive(&self, state: &mut State, i: usize) {
        let mut blocked = Blocked::new(opening(()));
        while let Some(blocker) = self.ask_gate(state, i, &blocked) {
            match next(&mut blocked, blocker, None) {
                Action::AskGate => {}
                Action::AskStore { .. } => {
                    let old = matches!(state.claim, Claim::Unconfirmed { old: true, .. });
                    return state.requests[i].phase = Phase::AskStore { old, unchanged: true };
                }
                Action::Refuse(_) => return state.requests[i].answer_and(Answer::ConflictByClaim, Phase::Gone),
                action => unreachable!("it has waited, and its rounds are not over: {action:?}"),
            }
        }
    }

    /// The gate's script: everything in it is one atomic step. `None`: the request is admitted or answered.
    fn ask_gate(&self, state: &mut State, i: usize, blocked: &Blocked) -> Option<Blocker> {
        let content = state.requests[i].content;
        match state.claim {
            Claim::None => {
                state.set_claim(if self.rules.confirm_after_ack {
                    Claim::Unconfirmed { content, old: false }
                } else {
                    Claim::Confirmed(content)
                });
                self.enter(state, i, Entry::New);
                None
            }
            Claim::Confirmed(claimed) if claimed == content => {
                state.requests[i].answer_and(Answer::RepeatByClaim, Phase::Gone);
                None
            }
            Claim::Confirmed(_) => Some(Blocker::Conflict { refusal: Some(CONFLICT) }),
            Claim::Unconfirmed { content: claimed, .. } if claimed == content && !self.rules.joiners_append => {
                state.requests[i].answer_and(Answer::RepeatByClaim, Phase::Gone);
                None
            }
            Claim::Unconfirmed { content: claimed, .. } if claimed == content && mode(blocked) == Some(JOIN) => {
                if self.rules.joins_renew_age {
                    state.set_claim(Claim::Unconfirmed { content, old: false });
                    self.enter(state, i, Entry::Joined);
                } else {
                    self.enter(state, i, Entry::Joined);
                    state.requests[i].unseen_by_age = true;
                }
                None
            }
            Claim::Unconfirmed { content: claimed, old } => Some(unconfirmed(claimed == content, old)),
        }
    }

    /// Reads the store because of an unconfirmed claim of other content.
    pub fn ask_store(&self, state: &mut State, i: usize) {
        let Phase::AskStore { old: was_old, unchanged } = state.requests[i].phase else {
            unreachable!("the step is offered in this phase only")
        };
        // Without the second rule, the age is what it is now, after the store was read; see `take_over`.
        let old = was_old || !self.rules.takeover_waits_for_age || !self.rules.age_before_store;
        let by_store = match state.stored().filter(|_| self.rules.takeover_asks_store) {
            None => ByStore::Absent,
            Some(stored) if stored == state.requests[i].content => ByStore::Same,
            Some(_) => ByStore::Other(CONFLICT),
        };
        let mut blocked = at_the_store();
        let (answer, phase) = match next(&mut blocked, unconfirmed(false, old), Some(by_store)) {
            Action::AskGate if mode(&blocked) == Some(ClaimMode::Settled) => (Answer::RepeatByStore, Phase::Gone),
            Action::AskGate if mode(&blocked) == Some(TAKE_OVER) => {
                return state.requests[i].phase = Phase::TakeOver { unchanged };
            }
            Action::Refuse(_) => (Answer::ConflictByStore, Phase::Gone),
            Action::RefuseUndecided => (Answer::Refused, Phase::Gone),
            action => unreachable!("the store has answered: {action:?}"),
        };
        state.requests[i].answer_and(answer, phase);
    }

    /// One atomic step at the gate, which checks that the claim is still the one that was judged.
    pub fn take_over(&self, state: &mut State, i: usize) {
        let Phase::TakeOver { unchanged } = state.requests[i].phase else {
            unreachable!("the step is offered in this phase only")
        };
        let Claim::Unconfirmed { content: claimed, old } = state.claim else {
            return state.requests[i].answer_and(Answer::Refused, Phase::Gone);
        };
        let content = state.requests[i].content;
        let old_enough = self.rules.age_before_store || old;
        if old_enough && (unchanged || !self.rules.takeover_if_unchanged) {
            state.free_claim();
            state.set_claim(Claim::Unconfirmed { content, old: false });
            return self.enter(state, i, Entry::TookOver);
        }
        let mut blocked = at_the_store();
        let taking = next(&mut blocked, unconfirmed(false, true), Some(ByStore::Absent));
        assert_eq!((taking, mode(&blocked)), (Action::AskGate, Some(TAKE_OVER)));
        let action = next(&mut blocked, unconfirmed(claimed == content, old), None);
        assert_eq!(action, Action::RefuseUndecided, "its rounds are over");
        state.requests[i].answer_and(Answer::Refused, Phase::Gone);
    }
}

const JOIN: ClaimMode = ClaimMode::Ask(OnUnconfirmed::Join);
const TAKE_OVER: ClaimMode = ClaimMode::Ask(OnUnconfirmed::TakeOver { seen_renewed_at: SEEN });

/// A request that met other content, as it is when it asks the store: every one has come the same way.
fn at_the_store() -> Blocked {
    let mut blocked = Blocked::new(opening(()));
    while next(&mut blocked, unconfirmed(false, false), None) == Action::AskGate {}
    blocked
}

fn next(blocked: &mut Blocked, blocker: Blocker, by_store: Option<ByStore>) -> Action {
    let blockers = opening(Some(blocker));
    let store = by_store.map(|word| StoreAnswer { lag_ms: Some(LAG_MS), claims: opening(word) });
    blocked.next(&BOUNDS, Met { blockers: &blockers, blocked_for: WAITED, store: store.as_ref() })
}

fn mode(blocked: &Blocked) -> Option<ClaimMode> {
    blocked.modes.opening
}

const fn unconfirmed(same_content: bool, old: bool) -> Blocker {
    let age_ms = if old { OLD_MS } else { OLD_MS - 1 };
    Blocker::Unconfirmed { same_content, renewed_at: SEEN, age_ms }
}

/// The model's only claim.
const fn opening<T>(value: T) -> PerClaim<T> {
    PerClaim { opening: Some(value), closing: None, events: Vec::new() }
}
