//! Bodies of requests with little in them.

use tidegate_agentping::{Body, Finish, FinishStatus, Heartbeat, HeartbeatStatus, Slug, Start};
use tidegate_kernel::Timestamp;

pub fn slug(text: &str) -> Slug {
    Slug::parse(text).unwrap()
}

pub fn start(agent: &str, started_at: Timestamp) -> Body {
    Body::Start(Start {
        agent: slug(agent),
        started_at,
        customer_id: None,
        feature: None,
        metadata: None,
        parent_run_id: None,
        goal: None,
        idle: None,
    })
}

pub fn finish(finished_at: Timestamp) -> Body {
    finish_with(FinishStatus::Success, finished_at)
}

pub fn finish_with(status: FinishStatus, finished_at: Timestamp) -> Body {
    Body::Finish(Finish { status, finished_at, output: None, scores: None, metadata: None })
}

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
