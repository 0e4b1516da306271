//! Joining a claim: what the server gave the first request (when it was received, and the times that it left out) the
//! joiner's record says, too. Repeats are answered from the claim, and either record may be the one that is stored: so
//! answers and store agree whichever it is. What a client says itself is never changed.

use tidegate_agentping::Body;
use tidegate_kernel::Timestamp;

use crate::answers::{Closed, Opened};
use crate::claiming::{Claimed, Slot};
use crate::submission::Submission;

/// The submission as the first request of its claim was received.
pub(crate) fn as_remembered(submission: Submission, claimed: &Claimed) -> Submission {
    // Hardly any request joins.
    if claimed.joined.is_empty() { submission } else { remembered(submission, claimed) }
}

fn remembered(mut submission: Submission, claimed: &Claimed) -> Submission {
    let own = submission.received_at;
    let mut received_at = None;
    for (index, answer) in claimed.joined.iter().filter(|(index, _)| claimed.slots.get(*index) == Some(&Slot::New)) {
        let closes = matches!(submission.body, Body::Finish(_)) || *index == 1;
        let first = if closes { close(&mut submission.body, answer, own) } else { open(&mut submission.body, answer) };
        // A record has one time of receipt: a run's is that of its opening, which comes first.
        received_at = received_at.or(first);
    }
    match received_at {
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
