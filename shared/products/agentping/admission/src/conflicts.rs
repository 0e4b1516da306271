//! When a request contradicts what was there before: the refusal names what differs.

use tidegate_agentping::{Body, Slug};
use tidegate_kernel::Timestamp;

use crate::answers::Opened;
use crate::claims;
use crate::per_claim::ClaimName;
use crate::refusal::{Refusal, StartField};
use crate::submission::Submission;

/// The refusal, if a start of the submission contradicts the stored one. `given` is the start time to compare.
pub fn with_start(
    submission: &Submission,
    (stored_agent, stored_started_at): (&Slug, Timestamp),
    given: Option<Timestamp>,
) -> Option<Refusal> {
    let supplied = claims::agent(&submission.body).filter(|supplied| !supplied.is_same_agent(stored_agent));
    let field = match (supplied, given.filter(|given| *given != stored_started_at)) {
        (Some(supplied), _) => StartField::Agent { supplied: supplied.clone() },
        (None, Some(supplied)) => StartField::StartedAt { supplied },
        (None, None) => return None,
    };
    Some(Refusal::StartConflict { run: submission.run, stored_agent: stored_agent.clone(), stored_started_at, field })
}

/// The refusal, if what the gate remembers of a claim in conflict is enough for one. Otherwise the store has to say
/// with what the request is in conflict: what an earlier build claimed for the same content may have another
/// fingerprint.
pub fn by_memory(submission: &Submission, name: ClaimName, answer: &[u8]) -> Option<Refusal> {
    match (&submission.body, name) {
        (Body::Events(events), ClaimName::Event(index)) => {
            events.get(index)?.earlier_hash.is_none().then_some(Refusal::EventConflict { index })
        }
        (body, ClaimName::Opening) => {
            let opened = Opened::decode(answer)?;
            with_start(submission, (&opened.agent, opened.started_at), claims::given_start(body))
        }
        _ => None,
    }
}
