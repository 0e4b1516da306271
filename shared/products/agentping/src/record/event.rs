//! The form of an event on the log: a list of its members' values, so that a record of fifty events does not repeat the
//! names fifty times. Objects are read too: earlier builds wrote them.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;
use tidegate_kernel::{FreeJson, Timestamp, Usd};

use crate::EventId;

/// One event of a run (AgentPing: `POST /v1/runs/{id}/events`).
// `remote`: the derived implementation reads the form with names and is called by `EitherForm` only.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
pub struct Event {
    pub id: EventId,
    #[serde(rename = "type")]
    pub kind: SmolStr,
    #[serde(rename = "ts_ms")]
    pub ts: Timestamp,
    #[serde(default)]
    pub turn: Option<u32>,
    pub data: FreeJson,
    /// A hash of the event's content, without its id. Equal ids with different content are a conflict.
    pub content_hash: u64,
    /// The hash that earlier builds computed for the same content, where it differs.
    #[serde(default)]
    pub earlier_hash: Option<u64>,
    /// Whether `data` reports an error (AgentPing: event types).
    #[serde(default)]
    pub errored: bool,
    #[serde(default)]
    pub call: Option<ModelCall>,
}

/// A model call, priced by the card in force when it was received.
// A derived `Deserialize` reads both forms. A newer form may add values at the end of the event's list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ModelCall {
    pub provider: SmolStr,
    pub model: SmolStr,
    #[serde(rename = "cost_nanos_usd")]
    pub cost: Usd,
    /// Whether the rate card had the model; if not, `cost` is 0.
    pub priced: bool,
}

impl Event {
    /// Whether the event says that its run still works: `data.alive` is `true`. It moves the time after which a run counts
    /// as stuck. The member is Tidegate's own; its name must be written without escapes.
    pub fn is_alive(&self) -> bool {
        #[derive(Deserialize)]
        struct Data {
            alive: bool,
        }
        let text = self.data.as_str();
        // Nearly no event has the member, and looking for its name costs less than parsing.
        text.contains("\"alive\"")
            && text.trim_start().starts_with('{')
            && serde_json::from_str::<Data>(text).is_ok_and(|data| data.alive)
    }

    /// Whether an event stored with this content hash, by this build or an earlier one, has the same content.
    pub fn says(&self, stored_hash: u64) -> bool {
        self.content_hash == stored_hash || self.earlier_hash == Some(stored_hash)
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Event { id, kind, ts, turn, data, content_hash, earlier_hash, errored, call } = self;
        match earlier_hash {
            None => (id, kind, ts, turn, data, content_hash, errored, call).serialize(serializer),
            Some(earlier) => (id, kind, ts, turn, data, content_hash, errored, call, earlier).serialize(serializer),
        }
    }
}

impl Serialize for ModelCall {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ModelCall { provider, model, cost, priced } = self;
        (provider, model, cost, priced).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EitherForm)
    }
}

struct EitherForm;

impl<'de> Visitor<'de> for EitherForm {
    type Value = Event;

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("an event: a list of its values, or an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Event, A::Error> {
        let mut event = Event {
            id: value(&mut values, "id")?,
            kind: value(&mut values, "type")?,
            ts: value(&mut values, "ts_ms")?,
            turn: value(&mut values, "turn")?,
            data: value(&mut values, "data")?,
            content_hash: value(&mut values, "content_hash")?,
            earlier_hash: None,
            errored: value(&mut values, "errored")?,
            call: value(&mut values, "call")?,
        };
        event.earlier_hash = values.next_element::<Option<u64>>()?.flatten();
        // Further values of a newer minor form are ignored.
        while values.next_element::<IgnoredAny>()?.is_some() {}
        Ok(event)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Event, A::Error> {
        Event::deserialize(MapAccessDeserializer::new(members))
    }
}

fn value<'de, A: SeqAccess<'de>, T: Deserialize<'de>>(values: &mut A, name: &'static str) -> Result<T, A::Error> {
    values.next_element()?.ok_or_else(|| A::Error::missing_field(name))
}
