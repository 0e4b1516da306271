//! Events, and the model calls in them.

use tidegate_agentping::{Event, EventId, ModelCall};
use tidegate_kernel::{FreeJson, Timestamp, Usd};

use crate::{NOON, event_id, json};

/// What names an event: its id, or the id's number.
pub trait IntoEventId {
    fn into_event_id(self) -> EventId;
}

impl IntoEventId for EventId {
    fn into_event_id(self) -> EventId {
        self
    }
}

impl IntoEventId for u128 {
    fn into_event_id(self) -> EventId {
        event_id(self)
    }
}

/// A `log` event of [`NOON`] without data. Its content hash is the last 64 bits of its id.
pub fn event(id: impl IntoEventId) -> Event {
    let id = id.into_event_id();
    Event {
        id,
        kind: "log".into(),
        ts: NOON,
        turn: None,
        data: FreeJson::empty_object(),
        content_hash: id.bits() as u64,
        earlier_hash: None,
        errored: false,
        call: None,
    }
}

/// A call of a model that costs so much; without a price, the rate card does not have the model.
pub fn model_call(model: &str, price: Option<Usd>) -> ModelCall {
    let cost = price.unwrap_or(Usd::ZERO);
    ModelCall { provider: "anthropic".into(), model: model.into(), cost, priced: price.is_some() }
}

/// What a test says of an event beyond its id.
pub trait EventWith: Sized {
    fn at(self, ts: Timestamp) -> Self;
    fn kind(self, kind: &str) -> Self;
    fn data(self, text: &str) -> Self;
    fn hash(self, content_hash: u64) -> Self;
    fn call(self, call: ModelCall) -> Self;

    /// An `llm_call` that costs so many dollars, such as `0.5`.
    fn llm(self, model: &str, usd: Option<&str>) -> Self {
        let price = usd.map(|text| Usd::parse(text).expect("the test gives dollars"));
        self.kind("llm_call").call(model_call(model, price))
    }
}

impl EventWith for Event {
    fn at(self, ts: Timestamp) -> Self {
        Event { ts, ..self }
    }

    fn kind(self, kind: &str) -> Self {
        Event { kind: kind.into(), ..self }
    }

    fn data(self, text: &str) -> Self {
        Event { data: json(text), ..self }
    }

    fn hash(self, content_hash: u64) -> Self {
        Event { content_hash, ..self }
    }

    fn call(self, call: ModelCall) -> Self {
        Event { call: Some(call), ..self }
    }
}
