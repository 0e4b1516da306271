//! Which claims a request makes: one table, by the kind of its body (AgentPing: repeats and conflicts).
//!
//! | body | claims | fingerprint | units | read without claiming |
//! | --- | --- | --- | --- | --- |
//! | start, or a heartbeat that opens | opening | agent; `started_at` where it was sent | 1 | closing |
//! | events | each event | run and content | 1 each | |
//! | finish | closing | always the same: a finished run never changes | 1 | opening |
//! | heartbeat that closes | opening and closing | as those | 0 and 1: together one | |
//! | any with a minted run id | none: no other client can know the id | | 1 | |

use bytes::Bytes;
use tidegate_agentping::{Body, Event, Finish, Heartbeat, RunId, Slug, Start};
use tidegate_agentping_ports::gate::{Claim, ClaimKey, Fingerprint, OnUnconfirmed};
use tidegate_kernel::Timestamp;
use tidegate_kernel::free_json::text_hash;

use crate::answers::{Closed, Opened};
use crate::per_claim::PerClaim;
use crate::submission::Submission;

/// What a request asks of the gate, in addition to its team and limits.
#[derive(Debug)]
pub struct Wanted {
    pub claims: PerClaim<Claim>,
    /// Claims of the same run that are read without claiming them: they complete the answer.
    pub reads: PerClaim<ClaimKey>,
    /// Quota units of a record that claims nothing.
    pub unclaimed_units: u32,
}

/// Which claims the request makes.
pub fn named(submission: &Submission) -> PerClaim<()> {
    match &submission.body {
        _ if submission.minted => PerClaim::NONE,
        Body::Start(_) => PerClaim { opening: Some(()), ..PerClaim::NONE },
        Body::Heartbeat(heartbeat) => {
            PerClaim { opening: Some(()), closing: heartbeat.status.finish().map(|_| ()), events: Vec::new() }
        }
        // A list of nothings takes no memory.
        Body::Events(events) => PerClaim { events: vec![(); events.len()], ..PerClaim::NONE },
        Body::Finish(_) => PerClaim { closing: Some(()), ..PerClaim::NONE },
    }
}

/// The claims that are read without claiming them: the other end of a run of which the request claims one end.
pub fn reads(submission: &Submission) -> PerClaim<ClaimKey> {
    let claimed = named(submission);
    let (opening, closing) = match (claimed.opening, claimed.closing) {
        (Some(()), None) => (None, Some(ClaimKey::Finish(submission.run))),
        (None, Some(())) => (Some(ClaimKey::Start(submission.run)), None),
        _ => (None, None),
    };
    PerClaim { opening, closing, events: Vec::new() }
}

/// The claims of a request, as they are asked for at first.
pub fn of(submission: &Submission) -> Wanted {
    let claimed = named(submission);
    let events = match &submission.body {
        Body::Events(events) if !submission.minted => {
            events.iter().map(|event| of_event(submission.run, event)).collect()
        }
        _ => Vec::new(),
    };
    // A closing heartbeat is one record: its closing costs the unit.
    let opening_units = if claimed.closing.is_some() { 0 } else { 1 };
    Wanted {
        claims: PerClaim {
            opening: claimed.opening.and_then(|()| opening(submission, opening_units)),
            closing: claimed.closing.and_then(|()| closing(submission)),
            events,
        },
        reads: reads(submission),
        unclaimed_units: u32::from(submission.minted),
    }
}

/// The agent a body names.
pub fn agent(body: &Body) -> Option<&Slug> {
    match body {
        Body::Start(start) => Some(&start.agent),
        Body::Heartbeat(heartbeat) => Some(&heartbeat.agent),
        Body::Events(_) | Body::Finish(_) => None,
    }
}

/// The start time a body gives; a heartbeat may leave it to the server.
pub fn given_start(body: &Body) -> Option<Timestamp> {
    match body {
        Body::Start(start) => Some(start.started_at),
        Body::Heartbeat(heartbeat) => heartbeat.started_at,
        Body::Events(_) | Body::Finish(_) => None,
    }
}

/// How the request opens its run, if it does.
pub fn opened(submission: &Submission) -> Option<Opened> {
    let received_at = submission.received_at;
    match &submission.body {
        Body::Start(Start { agent, started_at, idle, .. }) => Some(Opened {
            agent: agent.clone(),
            started_at: *started_at,
            received_at,
            cost: None,
            idle: idle.is_some(),
        }),
        Body::Heartbeat(heartbeat) => Some(Opened {
            agent: heartbeat.agent.clone(),
            started_at: heartbeat.started_at.unwrap_or(received_at),
            received_at,
            // A closing heartbeat's cost belongs to its closing.
            cost: heartbeat.cost.filter(|_| heartbeat.status.finish().is_none()),
            idle: false,
        }),
        Body::Events(_) | Body::Finish(_) => None,
    }
}

/// How the request closes its run, if it does.
pub fn closed(submission: &Submission) -> Option<Closed> {
    let received_at = submission.received_at;
    match &submission.body {
        Body::Finish(Finish { status, finished_at, .. }) => Some(Closed {
            status: *status,
            finished_at: *finished_at,
            received_at,
            duration_ms: None,
            cost: None,
            by_heartbeat: false,
        }),
        Body::Heartbeat(Heartbeat { status, finished_at, duration_ms, cost, .. }) => Some(Closed {
            status: status.finish()?,
            finished_at: finished_at.unwrap_or(received_at),
            received_at,
            duration_ms: *duration_ms,
            cost: *cost,
            by_heartbeat: true,
        }),
        Body::Start(_) | Body::Events(_) => None,
    }
}

fn opening(submission: &Submission, units: u32) -> Option<Claim> {
    let opened = opened(submission)?;
    let started = given_start(&submission.body);
    Some(Claim {
        key: ClaimKey::Start(submission.run),
        fingerprint: Fingerprint {
            main: text_hash(&[opened.agent.as_str().as_bytes()]),
            detail: started.map(|started| text_hash(&[&started.as_millis().to_be_bytes()])),
        },
        answer: opened.encode(),
        units,
        on_unconfirmed: OnUnconfirmed::Report,
    })
}

fn closing(submission: &Submission) -> Option<Claim> {
    Some(Claim {
        key: ClaimKey::Finish(submission.run),
        fingerprint: Fingerprint::default(),
        answer: closed(submission)?.encode(),
        units: 1,
        on_unconfirmed: OnUnconfirmed::Report,
    })
}

fn of_event(run: RunId, event: &Event) -> Claim {
    let main = text_hash(&[&run.bits().to_be_bytes(), &event.content_hash.to_be_bytes()]);
    Claim {
        key: ClaimKey::Event(event.id),
        fingerprint: Fingerprint { main, detail: None },
        answer: Bytes::new(),
        units: 1,
        on_unconfirmed: OnUnconfirmed::Report,
    }
}

#[cfg(test)]
mod tests {
    use tidegate_agentping::{FinishStatus, HeartbeatStatus};
    use tidegate_kernel::{FreeJson, Region};

    use super::*;

    const RUN: RunId = RunId::from_bits(Region::Eu, 9);
    const AT: Timestamp = Timestamp::from_millis(1_000);

    fn heartbeat(status: HeartbeatStatus, started_at: Option<Timestamp>) -> Body {
        let json = format!(r#"{{"agent":"a","status":"{}"}}"#, status.as_str());
        let mut heartbeat: Heartbeat = serde_json::from_str(&json).unwrap();
        heartbeat.started_at = started_at;
        Body::Heartbeat(heartbeat)
    }

    fn event(tail: u128, content_hash: u64) -> Event {
        Event {
            id: tidegate_agentping::EventId::from_bits(Region::Eu, tail),
            kind: "log".into(),
            ts: AT,
            turn: None,
            data: FreeJson::empty_object(),
            content_hash,
            earlier_hash: None,
            errored: false,
            call: None,
        }
    }

    fn wanted(body: Body, minted: bool) -> Wanted {
        of(&Submission { run: RUN, minted, received_at: AT, body })
    }

    #[test]
    fn claims_by_kind_in_a_table() {
        let start = Body::Start(serde_json::from_str(r#"{"agent":"a","started_at_ms":5}"#).unwrap());
        let finish = Body::Finish(Finish {
            status: FinishStatus::Failed,
            finished_at: AT,
            output: None,
            scores: None,
            metadata: None,
        });
        let events = Body::Events(vec![event(1, 1), event(2, 1)]);
        let (one, two) = (event(1, 1).id, event(2, 1).id);
        let (started, finished) = (ClaimKey::Start(RUN), ClaimKey::Finish(RUN));
        let opens = heartbeat(HeartbeatStatus::Start, None);
        let closes = heartbeat(HeartbeatStatus::Timeout, None);
        for (body, keys, reads) in [
            (start, vec![(started, 1)], vec![finished]),
            (opens, vec![(started, 1)], vec![finished]),
            (events, vec![(ClaimKey::Event(one), 1), (ClaimKey::Event(two), 1)], vec![]),
            (finish, vec![(finished, 1)], vec![started]),
            (closes, vec![(started, 0), (finished, 1)], vec![]),
        ] {
            let minted = wanted(body.clone(), true);
            assert!(minted.claims.is_empty() && minted.unclaimed_units == 1, "{}", body.kind());
            assert!(minted.reads.is_empty(), "{}", body.kind());
            let wanted = wanted(body.clone(), false);
            let claimed: Vec<_> = wanted.claims.iter().map(|claim| (claim.key, claim.units)).collect();
            let read = wanted.reads.clone().flatten();
            assert_eq!((claimed, read, wanted.unclaimed_units), (keys, reads, 0), "{}", body.kind());
            let submission = Submission { run: RUN, minted: false, received_at: AT, body };
            assert_eq!(wanted.claims.map(|_| ()), named(&submission), "{}", submission.body.kind());
        }
    }

    #[test]
    fn a_heartbeat_is_compared_by_its_start_time_only_where_it_sent_one() {
        let print = |body| wanted(body, false).claims.opening.expect("it opens").fingerprint;
        let without = print(heartbeat(HeartbeatStatus::Ok, None));
        let with = print(heartbeat(HeartbeatStatus::Start, Some(AT)));
        let other = print(heartbeat(HeartbeatStatus::Start, Some(AT.plus_millis(1))));
        assert!(without.matches(&with) && without.matches(&other) && !with.matches(&other));
    }

    #[test]
    fn an_event_is_known_by_its_run_and_content() {
        let print = |run, content| of_event(run, &event(1, content)).fingerprint;
        let other_run = RunId::from_bits(Region::Eu, 10);
        assert!(print(RUN, 1).matches(&print(RUN, 1)));
        assert!(!print(RUN, 1).matches(&print(RUN, 2)));
        assert!(!print(RUN, 1).matches(&print(other_run, 1)));
        assert!(of_event(RUN, &event(1, 1)).answer.is_empty());
    }
}
