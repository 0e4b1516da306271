//! Joining a claim: the joiner's record says what the server gave the first request (when it was received, and the
//! times that it left out). Repeats are answered from the claim, and either record may be the one that is stored: so
//! answers and store agree whichever it is. What a client says itself never changes.

use bytes::Bytes;
use tidegate_agentping::Body;
use tidegate_kernel::Timestamp;

use crate::answers::{Closed, Opened};
use crate::claimed::{Claimed, Slot};
use crate::per_claim::PerClaim;
use crate::submission::Submission;

/// The submission as the first request of its claim was received.
pub(crate) fn as_remembered(submission: Submission, claimed: &Claimed) -> Submission {
    // Hardly any request joins.
    match &claimed.joined {
        None => submission,
        Some(joined) => remembered(submission, &claimed.slots, joined),
    }
}

fn remembered(mut submission: Submission, slots: &PerClaim<Slot>, joined: &PerClaim<Bytes>) -> Submission {
    let own = submission.received_at;
    let opening = joined.opening.as_ref().filter(|_| slots.opening == Some(Slot::New));
    let closing = joined.closing.as_ref().filter(|_| slots.closing == Some(Slot::New));
    let opened_at = opening.and_then(|answer| open(&mut submission.body, answer));
    let closed_at = closing.and_then(|answer| close(&mut submission.body, answer, own));
    // A record has one time of receipt: a run's is that of its opening.
    match opened_at.or(closed_at) {
        Some(first) if !born_closed(&submission, first) => Submission { received_at: first, ..submission },
        _ => submission,
    }
}

/// When the opening that is joined was received; gives the body its start time, if it has none.
fn open(body: &mut Body, answer: &[u8]) -> Option<Timestamp> {
    let first = Opened::decode(answer)?;
    if let Body::Heartbeat(heartbeat) = body {
        heartbeat.started_at.get_or_insert(first.started_at);
    }
    Some(first.received_at)
}

/// When the closing that is joined was received; gives the body its end, if it has none of its own.
fn close(body: &mut Body, answer: &[u8], own: Timestamp) -> Option<Timestamp> {
    let first = Closed::decode(answer)?;
    match body {
        // The front door has put the time of receipt where none was given.
        Body::Finish(finish) if finish.finished_at == own => finish.finished_at = first.finished_at,
        Body::Heartbeat(heartbeat) => {
            heartbeat.finished_at.get_or_insert(first.finished_at);
        }
        _ => {}
    }
    Some(first.received_at)
}

/// Whether silence would have closed the run already, if it had been opened then.
fn born_closed(submission: &Submission, opened_at: Timestamp) -> bool {
    let Body::Start(start) = &submission.body else { return false };
    let silent_ms = submission.received_at.millis_since(opened_at);
    start.idle.is_some_and(|idle| silent_ms >= u64::from(idle.timeout_s) * 1_000)
}
