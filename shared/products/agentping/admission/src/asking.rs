//! The seam to the gate: a request's claims as the port's flat lists, and the port's lists by claim.

use bytes::Bytes;
use tidegate_agentping::Scope;
use tidegate_agentping_ports::gate::{AgentAsk, Ask, Claim, ClaimOutcome};
use tidegate_kernel::Timestamp;

use crate::blocked::ClaimMode;
use crate::claims;
use crate::per_claim::PerClaim;
use crate::submission::{Caller, Submission};

/// What does not depend on the request's claims.
pub(crate) struct Circumstances {
    /// The wall clock.
    pub now: Timestamp,
    /// The steady clock.
    pub steady: Timestamp,
    /// Up to when everything that was admitted is applied, by the steady clock.
    pub applied_to: Option<Timestamp>,
    pub charge_rate: bool,
}

impl Circumstances {
    /// The question that claims nothing and names no agent.
    pub fn plain_ask(self, caller: &Caller, unclaimed_units: u32) -> Ask {
        Ask {
            team: caller.team,
            limits: caller.plan.limits(),
            now: self.now,
            steady: self.steady,
            applied_to: self.applied_to,
            charge_rate: self.charge_rate,
            agent: None,
            claims: Vec::new(),
            reads: Vec::new(),
            unclaimed_units,
        }
    }

    /// The question for the claims of a request. `modes` says how, for a request that was blocked.
    pub fn ask(self, caller: &Caller, submission: &Submission, modes: Option<&PerClaim<ClaimMode>>) -> Ask {
        let wanted = claims::of(submission);
        let claims = match modes {
            None => wanted.claims.flatten(),
            Some(modes) => {
                let asked = wanted.claims.zip(modes.as_ref()).flatten().into_iter();
                asked.filter_map(|(claim, mode)| in_mode(claim, *mode)).collect()
            }
        };
        let capped = caller.scope == Scope::Team;
        let agent = claims::agent(&submission.body).map(|slug| AgentAsk { slug: slug.clone(), capped });
        Ask { agent, claims, reads: wanted.reads.flatten(), ..self.plain_ask(caller, wanted.unclaimed_units) }
    }
}

fn in_mode(claim: Claim, mode: ClaimMode) -> Option<Claim> {
    match mode {
        ClaimMode::Settled => None,
        ClaimMode::Ask(on_unconfirmed) => Some(Claim { on_unconfirmed, ..claim }),
    }
}

/// The gate's outcomes by claim; `None` for a claim that was not asked for.
pub(crate) fn outcomes(
    submission: &Submission,
    modes: Option<&PerClaim<ClaimMode>>,
    flat: Vec<ClaimOutcome>,
) -> PerClaim<Option<ClaimOutcome>> {
    match modes {
        None => claims::named(submission).fill(flat).map(Some),
        Some(modes) => {
            let mut flat = flat.into_iter();
            modes.as_ref().map(|mode| match mode {
                ClaimMode::Settled => None,
                ClaimMode::Ask(_) => flat.next(),
            })
        }
    }
}

/// What the gate remembers of the claims that were read without claiming them.
pub(crate) fn remembered(submission: &Submission, flat: Vec<Option<Bytes>>) -> PerClaim<Bytes> {
    let PerClaim { opening, closing, .. } = claims::reads(submission).fill(flat);
    PerClaim { opening: opening.flatten(), closing: closing.flatten(), events: Vec::new() }
}
