//! Starts, finishes and heartbeats with nothing optional in them, and the records that carry them.

use tidegate_agentping::{Body, Event, Finish, FinishStatus, Heartbeat, HeartbeatStatus, Idle, Record, RunKey, Start};
use tidegate_kernel::Timestamp;

use crate::{NOON, json, slug};

/// A run of this agent, started at [`NOON`].
pub fn start(agent: &str) -> Start {
    Start {
        agent: slug(agent),
        started_at: NOON,
        customer_id: None,
        feature: None,
        metadata: None,
        parent_run_id: None,
        goal: None,
        idle: None,
    }
}

/// A run that ended at [`NOON`].
pub const fn finish(status: FinishStatus) -> Finish {
    Finish { status, finished_at: NOON, output: None, scores: None, metadata: None }
}

/// A heartbeat that names no times.
pub fn heartbeat(agent: &str, status: HeartbeatStatus) -> Heartbeat {
    Heartbeat {
        agent: slug(agent),
        status,
        started_at: None,
        finished_at: None,
        cost: None,
        duration_ms: None,
        metadata: None,
        output: None,
        customer_id: None,
        feature: None,
        input_tokens: None,
        output_tokens: None,
    }
}

/// What a test says of a start beyond its agent.
pub trait StartWith: Sized {
    fn at(self, started_at: Timestamp) -> Self;
    fn customer(self, id: &str) -> Self;
    fn feature(self, name: &str) -> Self;
    fn metadata(self, text: &str) -> Self;
    fn idle(self, timeout_s: u32, status: FinishStatus) -> Self;
}

impl StartWith for Start {
    fn at(self, started_at: Timestamp) -> Self {
        Start { started_at, ..self }
    }

    fn customer(self, id: &str) -> Self {
        Start { customer_id: Some(id.into()), ..self }
    }

    fn feature(self, name: &str) -> Self {
        Start { feature: Some(name.into()), ..self }
    }

    fn metadata(self, text: &str) -> Self {
        Start { metadata: Some(json(text)), ..self }
    }

    fn idle(self, timeout_s: u32, status: FinishStatus) -> Self {
        Start { idle: Some(Idle { timeout_s, status }), ..self }
    }
}

/// What a test says of a finish beyond its status.
pub trait FinishWith: Sized {
    fn at(self, finished_at: Timestamp) -> Self;
    fn output(self, text: &str) -> Self;
}

impl FinishWith for Finish {
    fn at(self, finished_at: Timestamp) -> Self {
        Finish { finished_at, ..self }
    }

    fn output(self, text: &str) -> Self {
        Finish { output: Some(json(text)), ..self }
    }
}

/// What can be a record's body.
pub trait IntoBody {
    fn into_body(self) -> Body;
}

impl IntoBody for Body {
    fn into_body(self) -> Body {
        self
    }
}

impl IntoBody for Start {
    fn into_body(self) -> Body {
        Body::Start(self)
    }
}

impl IntoBody for Finish {
    fn into_body(self) -> Body {
        Body::Finish(self)
    }
}

impl IntoBody for Heartbeat {
    fn into_body(self) -> Body {
        Body::Heartbeat(self)
    }
}

impl IntoBody for Event {
    fn into_body(self) -> Body {
        Body::Events(vec![self])
    }
}

impl IntoBody for Vec<Event> {
    fn into_body(self) -> Body {
        Body::Events(self)
    }
}

/// A record of this run. A single event is a batch of one.
pub fn record(key: RunKey, received_at: Timestamp, body: impl IntoBody) -> Record {
    Record::new(key, received_at, body.into_body())
}
