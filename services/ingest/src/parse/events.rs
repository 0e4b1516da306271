//! `POST /v1/runs/{id}/events` (AgentPing: append events): the batch around the [events](super::event).

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use tidegate_agentping::{Event, EventId, TeamRates};

use super::ParseOptions;
use super::event::{SHAPE as EVENT, event};
use super::fault::{Fault, ParentObject};
use super::near;
use super::object::{Known, Name, ReadObject};

pub const MAX_EVENTS: usize = 50;

/// The events of one request. Identical twins are one.
#[derive(Debug)]
pub struct Batch {
    pub events: Vec<Event>,
    /// The index of each in the body.
    indices: Vec<usize>,
}

impl Batch {
    /// The event's index in the body, given its index among [`Batch::events`].
    pub fn sent_index(&self, index: usize) -> usize {
        self.indices.get(index).copied().unwrap_or(index)
    }

    /// Splits off the events.
    pub fn into_parts(self) -> (Vec<Event>, Vec<usize>) {
        (self.events, self.indices)
    }
}

/// Reads the body in one pass and prices model calls by `rates`.
///
/// # Errors
/// The body's first [`Fault`].
pub fn events(body: &str, reading: &ParseOptions, rates: &TeamRates) -> Result<Batch, Fault> {
    let mut batch = Reader { reading, rates, seen: Seen::Absent, twice: false, unknown: None };
    let mut deserializer = serde_json::Deserializer::from_str(body);
    let is_object = deserializer
        .deserialize_any(TopVisitor { batch: &mut batch })
        .and_then(|is_object| deserializer.end().map(|()| is_object))
        .map_err(|error| Fault::not_json(body, &error))?;
    if !is_object {
        return Err(Fault::whole_body("must be a JSON object"));
    }
    batch.judged()
}

/// What is known of the body so far.
struct Reader<'r> {
    reading: &'r ParseOptions,
    rates: &'r TeamRates,
    seen: Seen,
    twice: bool,
    unknown: Option<String>,
}

/// The member `events`.
enum Seen {
    Absent,
    /// `null` or `""`.
    Blank,
    NoList,
    List(List),
}

#[derive(Default)]
struct List {
    items: usize,
    events: Vec<Event>,
    indices: Vec<usize>,
    /// Most batches are in the order of their ids: what is greater than all before has no twin among them.
    greatest: Option<EventId>,
    /// The foremost fault so far, by class, then by place.
    fault: Option<Fault>,
}

impl List {
    fn blame(&mut self, fault: Fault) {
        if self.fault.as_ref().is_none_or(|first| fault.class() < first.class()) {
            self.fault = Some(fault);
        }
    }

    fn take(&mut self, index: usize, event: Event) {
        let is_in_order = self.greatest < Some(event.id);
        self.greatest = self.greatest.max(Some(event.id));
        let earlier = if is_in_order { &[][..] } else { &self.events[..] };
        match earlier.iter().find(|earlier| earlier.id == event.id) {
            None => {
                self.events.push(event);
                self.indices.push(index);
            }
            Some(twin) if twin.content_hash == event.content_hash => {}
            Some(_) => self.blame(Fault::Malformed {
                field: ParentObject::Event(index).field("external_id"),
                reason: "is the id of an earlier item of this batch with other content".to_owned(),
            }),
        }
    }
}

impl Reader<'_> {
    fn judged(self) -> Result<Batch, Fault> {
        let field = || "events".to_owned();
        if self.twice {
            return Err(Fault::Twice { field: field() });
        }
        let list_fault = match &self.seen {
            Seen::List(list) => list.fault.as_ref(),
            _ => None,
        };
        let malformed_form = list_fault.filter(|fault| fault.class() == 0).cloned();
        if let Some(fault) = malformed_form.or_else(|| self.unknown.map(unknown_member)) {
            return Err(fault);
        }
        match self.seen {
            Seen::Absent | Seen::Blank => Err(Fault::Missing { field: field() }),
            Seen::NoList => Err(Fault::Malformed { field: field(), reason: "must be a list of events".to_owned() }),
            Seen::List(List { items: 0, .. }) => {
                Err(Fault::Malformed { field: field(), reason: "must have at least one event".to_owned() })
            }
            Seen::List(List { items, .. }) if items > MAX_EVENTS => Err(Fault::TooManyEvents { limit: MAX_EVENTS }),
            Seen::List(List { fault: Some(fault), .. }) => Err(fault),
            Seen::List(List { events, indices, .. }) => Ok(Batch { events, indices }),
        }
    }
}

fn unknown_member(field: String) -> Fault {
    Fault::UnknownMember { meant: near::likely(&field, &["events"]), field }
}

struct TopVisitor<'b, 'r> {
    batch: &'b mut Reader<'r>,
}

macro_rules! other_values {
    ($value:ty, $result:expr) => {
        fn visit_unit<E>(self) -> Result<$value, E> {
            Ok($result)
        }
        fn visit_bool<E>(self, _: bool) -> Result<$value, E> {
            Ok($result)
        }
        fn visit_u64<E>(self, _: u64) -> Result<$value, E> {
            Ok($result)
        }
        fn visit_i64<E>(self, _: i64) -> Result<$value, E> {
            Ok($result)
        }
        fn visit_f64<E>(self, _: f64) -> Result<$value, E> {
            Ok($result)
        }
    };
}

impl<'de> Visitor<'de> for TopVisitor<'_, '_> {
    /// Whether it was an object.
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<bool, A::Error> {
        let batch = self.batch;
        let keep = |batch: &Reader<'_>| !batch.reading.ignore_unknown && batch.unknown.is_none();
        while let Some(name) = members.next_key_seed(Name { names: &["events"], keep: keep(batch) })? {
            match name {
                Known::At(_) => {
                    batch.twice |= !matches!(batch.seen, Seen::Absent);
                    batch.seen = members.next_value_seed(ReadList { reading: batch.reading, rates: batch.rates })?;
                }
                Known::No(name) => {
                    batch.unknown = batch.unknown.take().or(name.map(|name| ParentObject::Top.field(&name)));
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(true)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<bool, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(false)
    }

    fn visit_str<E>(self, _: &str) -> Result<bool, E> {
        Ok(false)
    }

    other_values!(bool, false);
}

struct ReadList<'r> {
    reading: &'r ParseOptions,
    rates: &'r TeamRates,
}

impl<'de> DeserializeSeed<'de> for ReadList<'_> {
    type Value = Seen;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Seen, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ReadList<'_> {
    type Value = Seen;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Seen, A::Error> {
        let mut list = List::default();
        let seed = ReadObject { shape: &EVENT, note_unknown: !self.reading.ignore_unknown };
        while list.items < MAX_EVENTS {
            let Some(item) = items.next_element_seed(seed)? else { return Ok(Seen::List(list)) };
            let index = list.items;
            list.items += 1;
            match item.judged(ParentObject::Event(index)).and_then(|item| event(&item, index, self.reading, self.rates))
            {
                Ok(event) => list.take(index, event),
                Err(fault) => list.blame(fault),
            }
        }
        while items.next_element::<IgnoredAny>()?.is_some() {
            list.items += 1;
        }
        Ok(Seen::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Seen, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Seen::NoList)
    }

    fn visit_str<E>(self, text: &str) -> Result<Seen, E> {
        Ok(if text.is_empty() { Seen::Blank } else { Seen::NoList })
    }

    fn visit_unit<E>(self) -> Result<Seen, E> {
        Ok(Seen::Blank)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Seen, E> {
        Ok(Seen::NoList)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Seen, E> {
        Ok(Seen::NoList)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Seen, E> {
        Ok(Seen::NoList)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Seen, E> {
        Ok(Seen::NoList)
    }
}
