//! Which claims a request makes: one table, by the kind of its body (AgentPing: repeats and conflicts).
//!
//! | body | claims | fingerprint | units | peeks |
//! | --- | --- | --- | --- | --- |
//! | start, or a heartbeat that opens | start | agent; `started_at` where it was sent | 1 | finish |
//! | events | each event | run and content | 1 each | |
//! | finish | finish | always the same: a finished run never changes | 1 | start |
//! | heartbeat that closes | start and finish | as those | 0 and 1: together one | |
//! | any with a minted run id | none: nobody else can know the id | | 1 | |

use bytes::Bytes;
use tidegate_domain::free_json::text_hash;
use tidegate_domain::{Body, Event, Finish, Heartbeat, RunId, Slug, Start, Timestamp};
use tidegate_ports::gate::OnUnconfirmed;
use tidegate_ports::{Claim, ClaimKey, Fingerprint};

use crate::answers::{Closed, Opened};
use crate::submission::Submission;

/// What a request asks of the gate beside its team and limits.
#[derive(Debug, Default)]
pub struct Wanted {
    pub claims: Vec<Claim>,
    pub peeks: Vec<ClaimKey>,
    pub unclaimed_units: u32,
}

/// The claims of a request.
pub fn of(submission: &Submission) -> Wanted {
    let run = submission.run;
    if submission.minted {
        return Wanted { unclaimed_units: 1, ..Wanted::default() };
    }
    match &submission.body {
        Body::Start(_) => Wanted {
            claims: opening(submission, 1).into_iter().collect(),
            peeks: vec![ClaimKey::Finish(run)],
            ..Wanted::default()
        },
        Body::Heartbeat(heartbeat) if heartbeat.status.finish().is_none() => Wanted {
            claims: opening(submission, 1).into_iter().collect(),
            peeks: vec![ClaimKey::Finish(run)],
            ..Wanted::default()
        },
        Body::Heartbeat(_) => {
            let claims = opening(submission, 0).into_iter().chain(closing(submission)).collect();
            Wanted { claims, ..Wanted::default() }
        }
        Body::Events(events) => {
            Wanted { claims: events.iter().map(|event| of_event(run, event)).collect(), ..Wanted::default() }
        }
        Body::Finish(_) => Wanted {
            claims: closing(submission).into_iter().collect(),
            peeks: vec![ClaimKey::Start(run)],
            ..Wanted::default()
        },
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
            implied: false,
        }),
        Body::Heartbeat(heartbeat) => {
            let implied = heartbeat.status.finish().is_some();
            Some(Opened {
                agent: heartbeat.agent.clone(),
                started_at: heartbeat.started_at.unwrap_or(received_at),
                received_at,
                cost: heartbeat.cost.filter(|_| !implied),
                idle: false,
                implied,
            })
        }
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
