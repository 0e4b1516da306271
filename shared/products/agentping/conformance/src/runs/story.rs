//! Runs to be saved, folded record by record, as the persister makes them.

use tidegate_agentping::{Event, EventId, Finish, FinishStatus, RunId, RunKey, RunState, Start, TeamId};
use tidegate_agentping_ports::{EventRow, RunWrite};
pub(super) use tidegate_agentping_testkit::{
    EventWith, FinishWith, IntoBody, NOON, StartWith, finish, fresh, fresh_key, heartbeat, json, record, slug, start,
};
use tidegate_kernel::{Position, Timestamp, Usd};

pub(super) const SECOND_MS: i64 = 1_000;
pub(super) const HOUR_MS: i64 = 3_600_000;
pub(super) const DAY_MS: i64 = 24 * HOUR_MS;

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

    pub fn tell(mut self, received_at: Timestamp, body: impl IntoBody) -> Self {
        let change = self.state.apply(record(self.key, received_at, body));
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
            feed: Vec::new(),
            position: at_offset(self.next_offset - 1),
            again: None,
        }
    }
}

pub(super) fn at_offset(offset: i64) -> Position {
    Position { generation: 0, partition: 0, offset }
}

pub(super) fn full_start(agent: &str) -> Start {
    let parent: RunId = fresh();
    let labelled = start(agent).customer("Müller & \"Söhne\"").feature("triage");
    Start {
        parent_run_id: Some(parent),
        goal: Some("to find out\nwhy".into()),
        ..labelled.metadata(r#"{"b" : 1.50, "a":"\u00e9"}"#).idle(600, FinishStatus::Success)
    }
}

pub(super) fn full_finish(status: FinishStatus) -> Finish {
    Finish {
        scores: Some(json(r#"{"quality":0.75}"#)),
        metadata: Some(json(r#"{"a":"later"}"#)),
        ..finish(status).output(r#"{"text":"done", "list":[1,2,{"x":null}]}"#)
    }
}

pub(super) fn event(id: EventId, ts: Timestamp) -> Event {
    tidegate_agentping_testkit::event(id).at(ts).data(r#"{"message":"a line"}"#)
}

pub(super) fn model_call(id: EventId, ts: Timestamp, model: &str, nanos: Option<u64>) -> Event {
    let call = tidegate_agentping_testkit::model_call(model, nanos.map(Usd::from_nanos));
    event(id, ts).kind("llm_call").data(r#"{"input_tokens": 12}"#).call(call)
}
