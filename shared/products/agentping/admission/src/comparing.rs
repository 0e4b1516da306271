//! From the gate's outcomes to final ones: one read of the store decides where the gate may have forgotten, and where a
//! claim was joined. What cannot be compared, because the gate lost its memory and the store is down, is taken, and its
//! claims stay unconfirmed.

use std::sync::Arc;

use bytes::Bytes;
use tidegate_agentping_ports::gate::{ClaimKey, ClaimOutcome, StoreRead};

use crate::blocked::ClaimMode;
use crate::claimed::{Claimed, Slot};
use crate::claims;
use crate::gate_access::GateAccess;
use crate::metrics::UNCOMPARED;
use crate::per_claim::{ClaimName, PerClaim};
use crate::refusal::Refusal;
use crate::store_access::StoreAccess;
use crate::store_view::{ByStore, StoreView};
use crate::submission::{Caller, Submission};
use crate::undecided::Undecided;

/// What comparing asks, and where it gives back.
pub(crate) struct Comparing {
    gate: Arc<GateAccess>,
    store: Arc<StoreAccess>,
    undecided: Arc<Undecided>,
}

/// Claims that the store may have to decide.
type Doubtful = Vec<(ClaimName, StoreRead)>;

impl Comparing {
    pub fn new(gate: &Arc<GateAccess>, store: &Arc<StoreAccess>, undecided: &Arc<Undecided>) -> Self {
        Comparing { gate: Arc::clone(gate), store: Arc::clone(store), undecided: Arc::clone(undecided) }
    }

    /// From the gate's outcomes to final ones: asks the store where it must, and gives back what was claimed wrongly.
    pub async fn compare(
        &self,
        caller: &Caller,
        submission: &Submission,
        modes: Option<&PerClaim<ClaimMode>>,
        outcomes: PerClaim<Option<ClaimOutcome>>,
        mut claimed: Claimed,
    ) -> Result<Claimed, Refusal> {
        let Some((slots, doubtful, joined)) = slots(modes, outcomes) else {
            self.give_back(&mut claimed).await;
            return Err(self.undecided.refusal());
        };
        (claimed.slots, claimed.joined) = (slots, joined);
        let any_settled = modes.is_some_and(|modes| modes.iter().any(|mode| *mode == ClaimMode::Settled));
        if doubtful.is_empty() && !any_settled {
            return Ok(claimed);
        }
        let needed = doubtful.iter().any(|(_, store)| *store == StoreRead::Needed);
        let view = match !needed && self.store.is_resting() {
            true => None,
            false => Some(self.store.view(caller, submission).await),
        };
        match view {
            Some(Ok(view)) => self.by_store(submission, &doubtful, view, claimed).await,
            Some(Err(refusal)) if needed => {
                self.give_back(&mut claimed).await;
                Err(refusal)
            }
            // A claim joined within the gate's memory does without the store. What the gate may have forgotten with all
            // its memory is taken as it is while the gate is down: the fold removes what is double.
            _ => {
                claimed.uncompared = wanted_keys(submission, &doubtful);
                if !claimed.uncompared.is_empty() {
                    UNCOMPARED.handle().increment(1);
                }
                Ok(claimed)
            }
        }
    }

    async fn by_store(
        &self,
        submission: &Submission,
        doubtful: &Doubtful,
        view: StoreView,
        mut claimed: Claimed,
    ) -> Result<Claimed, Refusal> {
        for (name, _) in doubtful {
            match view.judge(submission, *name) {
                ByStore::Absent => {}
                ByStore::Same => {
                    if let Some(slot) = claimed.slots.get_mut(*name) {
                        *slot = Slot::Stored;
                    }
                }
                ByStore::Other(refusal) => {
                    self.give_back(&mut claimed).await;
                    return Err(refusal);
                }
            }
        }
        claimed.view = Some(Box::new(view));
        if let Some(stored) = claimed.take_stored(submission) {
            self.gate.release(stored).await;
        }
        Ok(claimed)
    }

    async fn give_back(&self, claimed: &mut Claimed) {
        if let Some(ticket) = claimed.ticket.take() {
            self.gate.release(ticket).await;
        }
    }
}

type Slots = (PerClaim<Slot>, Doubtful, Option<Box<PerClaim<Bytes>>>);

/// The slots by the gate's outcomes, which of them are doubtful, and what is remembered of joined claims. `None` for
/// outcomes that no admitted request has.
fn slots(modes: Option<&PerClaim<ClaimMode>>, outcomes: PerClaim<Option<ClaimOutcome>>) -> Option<Slots> {
    let settled = |name| modes.and_then(|modes| modes.get(name)) == Some(&ClaimMode::Settled);
    let (mut doubtful, mut joined) = (Doubtful::new(), PerClaim::NONE);
    let (mut any_joined, mut is_sound) = (false, true);
    let slots = outcomes.map_named(|name, outcome| match outcome {
        None if settled(name) => Slot::Stored,
        Some(ClaimOutcome::Repeat { answer }) => Slot::Repeat(answer),
        Some(ClaimOutcome::New { store: StoreRead::NotNeeded }) => Slot::New,
        Some(ClaimOutcome::New { store }) => {
            doubtful.push((name, store));
            Slot::New
        }
        Some(ClaimOutcome::Joined { answer, store }) => {
            any_joined = true;
            match name {
                ClaimName::Opening => joined.opening = Some(answer),
                ClaimName::Closing => joined.closing = Some(answer),
                // An event's claim remembers nothing.
                ClaimName::Event(_) => {}
            }
            doubtful.push((name, store));
            Slot::New
        }
        Some(ClaimOutcome::Conflict { .. } | ClaimOutcome::Unconfirmed { .. }) | None => {
            is_sound = false;
            Slot::New
        }
    });
    is_sound.then(|| (slots, doubtful, any_joined.then(|| Box::new(joined))))
}

/// The keys of what should be compared with the store.
fn wanted_keys(submission: &Submission, doubtful: &Doubtful) -> Vec<ClaimKey> {
    let keys = claims::of(submission).claims.map(|claim| claim.key);
    let wanted = doubtful.iter().filter(|(_, store)| *store == StoreRead::Wanted);
    wanted.filter_map(|(name, _)| keys.get(*name).copied()).collect()
}
