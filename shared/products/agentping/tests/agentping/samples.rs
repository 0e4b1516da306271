//! Records to fold, short to write.

use tidegate_agentping::{
    Body, Event, EventId, Finish, FinishStatus, Heartbeat, HeartbeatStatus, Idle, ModelCall, Record, RunId, RunKey,
    Slug, Start, TeamId,
};
use tidegate_kernel::{FreeJson, Region, Timestamp, Usd};

pub const T0: i64 = 1_778_855_521_123; // 2026-05-15T14:32:01.123Z

pub fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(T0 + millis)
}

pub fn key() -> RunKey {
    RunKey { team: TeamId::from_bits(Region::Eu, 7), run: RunId::from_bits(Region::Eu, 42) }
}

pub fn slug(text: &str) -> Slug {
    Slug::parse(text).expect("a valid slug")
}

pub fn json(text: &str) -> FreeJson {
    FreeJson::parse(text).expect("valid JSON")
}

pub fn record(received: i64, body: Body) -> Record {
    Record::new(key(), at(received), body)
}

pub fn start(agent: &str, started: i64) -> Start {
    Start {
        agent: slug(agent),
        started_at: at(started),
        customer_id: None,
        feature: None,
        metadata: None,
        parent_run_id: None,
        goal: None,
        idle: None,
    }
}

pub fn idle_start(agent: &str, timeout_s: u32) -> Start {
    Start { idle: Some(Idle { timeout_s, status: FinishStatus::Success }), ..start(agent, 0) }
}

pub fn event(id: u128, cost_nanos: u64, errored: bool) -> Event {
    Event {
        id: EventId::from_bits(Region::Eu, id),
        kind: "llm_call".into(),
        ts: at(id as i64),
        turn: None,
        data: json("{}"),
        content_hash: 1_000 + id as u64,
        earlier_hash: None,
        errored,
        call: Some(ModelCall {
            provider: "p".into(),
            model: "m".into(),
            cost: Usd::from_nanos(cost_nanos),
            priced: cost_nanos > 0,
        }),
    }
}

pub fn finish(status: FinishStatus, finished: i64) -> Finish {
    Finish { status, finished_at: at(finished), output: None, scores: None, metadata: None }
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
