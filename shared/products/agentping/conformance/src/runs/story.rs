//! Runs to be saved, told record by record through the fold, as the persister makes them.

use tidegate_agentping::id::IdKind;
use tidegate_agentping::{
    Body, Event, EventId, Finish, FinishStatus, Heartbeat, HeartbeatStatus, Id, ModelCall, Record, RunId, RunKey,
    RunState, Slug, Start, TeamId,
};
use tidegate_agentping_ports::{EventRow, RunWrite};
use tidegate_kernel::{FreeJson, Position, Region, Timestamp, Usd};
use tidegate_ports::{Ids, RandomIds};

/// 2026-05-15T12:00:00Z: where most histories begin.
pub(super) const NOON: Timestamp = Timestamp::from_millis(1_778_846_400_000);
pub(super) const SECOND_MS: i64 = 1_000;
pub(super) const HOUR_MS: i64 = 3_600_000;
pub(super) const DAY_MS: i64 = 24 * HOUR_MS;

/// A fresh id, as one born at noon.
pub(super) fn fresh<K: IdKind>() -> Id<K> {
    Id::mint(Region::Eu, NOON, &RandomIds.random())
}

pub(super) fn fresh_key() -> RunKey {
    RunKey { team: fresh(), run: fresh() }
}

/// One run's history so far.
pub(super) struct Story {
    pub key: RunKey,
    pub state: RunState,
    pub told: Vec<EventRow>,
    next_offset: i64,
    new_events: Vec<EventRow>,
}

impl Story {
    pub fn of(key: RunKey) -> Self {
        Story { key, state: RunState::default(), told: Vec::new(), next_offset: 0, new_events: Vec::new() }
    }

    pub fn of_team(team: TeamId) -> Self {
        Story::of(RunKey { team, run: fresh() })
    }

    pub fn tell(mut self, received_at: Timestamp, body: Body) -> Self {
        let change = self.state.apply(Record::new(self.key, received_at, body));
        self.next_offset += 1;
        let rows = change.new_events.into_iter().map(|event| EventRow { event, received_at });
        for row in rows {
            self.told.push(row.clone());
            self.new_events.push(row);
        }
        self
    }

    /// What the persister would save now: the events that are new since the last write.
    pub fn write(&mut self) -> RunWrite {
        RunWrite {
            key: self.key,
            run: self.state.run.clone(),
            new_events: std::mem::take(&mut self.new_events),
            position: at_offset(self.next_offset - 1),
            again: None,
        }
    }
}

pub(super) fn at_offset(offset: i64) -> Position {
    Position { generation: 0, partition: 0, offset }
}

pub(super) fn slug(text: &str) -> Slug {
    Slug::parse(text).expect("a slug")
}

pub(super) fn json(text: &str) -> FreeJson {
    FreeJson::parse(text).expect("JSON")
}

pub(super) fn start(agent: &str, started_at: Timestamp) -> Start {
    Start {
        agent: slug(agent),
        started_at,
        customer_id: None,
        feature: None,
        metadata: None,
        parent_run_id: None,
        goal: None,
        idle: None,
    }
}

pub(super) fn full_start(agent: &str, started_at: Timestamp) -> Start {
    let parent: RunId = fresh();
    Start {
        customer_id: Some("Müller & \"Söhne\"".into()),
        feature: Some("triage".into()),
        metadata: Some(json(r#"{"b" : 1.50, "a":"\u00e9"}"#)),
        parent_run_id: Some(parent),
        goal: Some("to find out\nwhy".into()),
        idle: Some(tidegate_agentping::Idle { timeout_s: 600, status: FinishStatus::Success }),
        ..start(agent, started_at)
    }
}

pub(super) fn finish(status: FinishStatus, finished_at: Timestamp) -> Body {
    Body::Finish(Finish { status, finished_at, output: None, scores: None, metadata: None })
}

pub(super) fn full_finish(status: FinishStatus, finished_at: Timestamp) -> Body {
    Body::Finish(Finish {
        status,
        finished_at,
        output: Some(json(r#"{"text":"done", "list":[1,2,{"x":null}]}"#)),
        scores: Some(json(r#"{"quality":0.75}"#)),
        metadata: Some(json(r#"{"a":"later"}"#)),
    })
}

pub(super) fn heartbeat(agent: &str, status: HeartbeatStatus) -> Heartbeat {
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

pub(super) fn event(id: EventId, ts: Timestamp) -> Event {
    Event {
        id,
        kind: "log".into(),
        ts,
        turn: None,
        data: json(r#"{"message":"a line"}"#),
        content_hash: (id.bits() & u128::from(u64::MAX)) as u64 | 1 << 63,
        earlier_hash: None,
        errored: false,
        call: None,
    }
}

pub(super) fn model_call(id: EventId, ts: Timestamp, model: &str, price: Option<u64>) -> Event {
    let call = ModelCall {
        provider: "anthropic".into(),
        model: model.into(),
        cost: Usd::from_nanos(price.unwrap_or(0)),
        priced: price.is_some(),
    };
    Event { kind: "llm_call".into(), data: json(r#"{"input_tokens": 12}"#), call: Some(call), ..event(id, ts) }
}
