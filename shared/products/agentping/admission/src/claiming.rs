//! Claiming the ids of one request: asks the gate until it admits or refuses, and does what [`Blocked`] says while
//! others' claims block the request.

use std::sync::Arc;
use std::time::Instant;

use tidegate_agentping_ports::gate::{ClaimOutcome, StoreRead, Verdict};
use tidegate_ports::Clock;

use crate::agent_slots::AgentSlots;
use crate::applied::Applied;
use crate::asking::{self, Circumstances};
use crate::blocked::{Action, Blocked, BlockedBounds, Blocker, Met, StoreAnswer};
use crate::claimed::{Claimed, Slot};
use crate::comparing::Comparing;
use crate::config::Timeouts;
use crate::gate_access::GateAccess;
use crate::giving_back::GivingBack;
use crate::limiting::Limiting;
use crate::per_claim::ClaimName;
use crate::ports::AdmissionPorts;
use crate::refusal::Refusal;
use crate::store_access::StoreAccess;
use crate::submission::{Caller, Submission};
use crate::undecided::Undecided;
use crate::{claims, conflicts};

/// How often the store is asked about claims that keep changing.
const STORE_ROUNDS: u32 = 4;

/// What claiming asks.
pub(crate) struct Claiming {
    clock: Arc<dyn Clock>,
    gate: Arc<GateAccess>,
    store: Arc<StoreAccess>,
    applied: Arc<Applied>,
    limiting: Arc<Limiting>,
    giving_back: GivingBack,
    agent_slots: AgentSlots,
    comparing: Comparing,
    undecided: Arc<Undecided>,
    bounds: BlockedBounds,
}

/// A request that is blocked.
struct Waiting {
    since: Instant,
    state: Blocked,
}

impl Claiming {
    pub fn new(
        ports: &AdmissionPorts,
        timeouts: &Timeouts,
        gate: &Arc<GateAccess>,
        store: &Arc<StoreAccess>,
        applied: &Arc<Applied>,
        limiting: &Arc<Limiting>,
    ) -> Self {
        let undecided = Arc::<Undecided>::default();
        Claiming {
            clock: Arc::clone(&ports.clock),
            gate: Arc::clone(gate),
            store: Arc::clone(store),
            applied: Arc::clone(applied),
            limiting: Arc::clone(limiting),
            giving_back: GivingBack::new(ports, gate, store, applied),
            agent_slots: AgentSlots::new(ports, timeouts.gate_ms, store),
            comparing: Comparing::new(gate, store, &undecided),
            undecided,
            bounds: BlockedBounds {
                wait_ms: timeouts.claim_wait_ms,
                store_rounds: STORE_ROUNDS,
                lands_after_ms: applied.lands_after_ms(),
            },
        }
    }

    /// Claims what the request wants to write, and returns for each claim whether it is new. While the gate is down, all of
    /// it counts as new, within the local share.
    ///
    /// # Errors
    /// The refusals of the gate, of conflicts, and of what only the store could decide.
    pub async fn claim(&self, caller: &Caller, submission: &Submission) -> Result<Claimed, Refusal> {
        let mut blocked: Option<Box<Waiting>> = None;
        let mut gave_back = false;
        loop {
            let charge_rate = blocked.is_none() && !gave_back;
            let asked_at = Instant::now();
            let modes = blocked.as_ref().map(|waiting| &waiting.state.modes);
            let ask = || self.circumstances(charge_rate).ask(caller, submission, modes);
            match self.gate.ask(caller.team, ask).await {
                None | Some(Verdict::NeedsSeed) => {
                    if charge_rate {
                        self.gate.take_local_share(caller)?;
                    }
                    return Ok(Claimed::without_gate(submission, modes, asked_at));
                }
                Some(Verdict::Refused(refused)) => {
                    if gave_back || !Box::pin(self.giving_back.gives_back(caller.team, refused)).await {
                        let refusal = self.limiting.refusal(caller, refused, Some(&submission.body));
                        return Err(Box::pin(self.agent_slots.with_hints(caller, refusal)).await);
                    }
                    gave_back = true;
                }
                Some(Verdict::Admitted { claims, reads, ticket }) => {
                    self.agent_slots.watch(caller, &ticket);
                    let outcomes = asking::outcomes(submission, modes, claims);
                    let remembered = asking::remembered(submission, reads);
                    let claimed = Claimed { remembered, ticket: Some(ticket), ..Claimed::nothing(asked_at) };
                    if outcomes.iter().all(is_plain) {
                        return Ok(Claimed { slots: outcomes.map(plain_slot), ..claimed });
                    }
                    // The slow ways are boxed: they take no room in the future of every request.
                    return Box::pin(self.comparing.compare(caller, submission, modes, outcomes, claimed)).await;
                }
                Some(Verdict::Blocked { claims, .. }) => {
                    blocked = Some(Box::pin(self.unblock(caller, submission, blocked.take(), claims)).await?);
                }
            }
        }
    }

    fn circumstances(&self, charge_rate: bool) -> Circumstances {
        Circumstances { now: self.clock.now(), steady: self.clock.steady(), applied_to: self.applied.to(), charge_rate }
    }

    /// Does what a blocked request has to do until the gate is asked again.
    async fn unblock(
        &self,
        caller: &Caller,
        submission: &Submission,
        waiting: Option<Box<Waiting>>,
        claims: Vec<ClaimOutcome>,
    ) -> Result<Box<Waiting>, Refusal> {
        let first = || Waiting { since: Instant::now(), state: Blocked::new(claims::named(submission)) };
        let mut waiting = waiting.unwrap_or_else(|| Box::new(first()));
        let outcomes = asking::outcomes(submission, Some(&waiting.state.modes), claims);
        let blockers = outcomes.map_named(|name, outcome| blocker(submission, name, outcome?));
        let blocked_for = waiting.since.elapsed();
        let mut store = None;
        loop {
            match waiting.state.next(&self.bounds, Met { blockers: &blockers, blocked_for, store: store.as_ref() }) {
                Action::AskStore { with_lag } => store = Some(self.ask_store(caller, submission, with_lag).await?),
                Action::Wait(pause) => {
                    tokio::time::sleep(pause).await;
                    return Ok(waiting);
                }
                Action::AskGate => return Ok(waiting),
                Action::Refuse(refusal) => return Err(refusal),
                Action::RefuseUndecided => return Err(self.undecided.refusal()),
            }
        }
    }

    /// The lag is read before the store, never after.
    async fn ask_store(
        &self,
        caller: &Caller,
        submission: &Submission,
        with_lag: bool,
    ) -> Result<StoreAnswer, Refusal> {
        let lag_ms = if with_lag { self.applied.lag_ms().await } else { None };
        let view = self.store.view(caller, submission).await?;
        let claims = claims::named(submission).map_named(|name, ()| view.judge(submission, name));
        Ok(StoreAnswer { lag_ms, claims })
    }
}

fn blocker(submission: &Submission, name: ClaimName, outcome: ClaimOutcome) -> Option<Blocker> {
    match outcome {
        ClaimOutcome::New { .. } | ClaimOutcome::Joined { .. } | ClaimOutcome::Repeat { .. } => None,
        ClaimOutcome::Conflict { answer } => {
            Some(Blocker::Conflict { refusal: conflicts::by_memory(submission, name, &answer) })
        }
        ClaimOutcome::Unconfirmed { same_content, renewed_at, age_ms, .. } => {
            Some(Blocker::Unconfirmed { same_content, renewed_at, age_ms })
        }
    }
}

/// New without doubt, or a repeat: so it is for nearly every request.
const fn is_plain(outcome: &Option<ClaimOutcome>) -> bool {
    matches!(outcome, Some(ClaimOutcome::New { store: StoreRead::NotNeeded } | ClaimOutcome::Repeat { .. }))
}

/// The slot of a plain outcome.
fn plain_slot(outcome: Option<ClaimOutcome>) -> Slot {
    match outcome {
        Some(ClaimOutcome::Repeat { answer }) => Slot::Repeat(answer),
        _ => Slot::New,
    }
}
