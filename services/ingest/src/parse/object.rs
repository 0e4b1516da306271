//! One JSON object, read in one pass: its known members raw, and what is wrong with its form.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::fault::{Fault, ParentObject};
use super::free::FreeMember;
use super::member::Member;
use super::near;

/// The members that an object may have and those that it must have.
#[derive(Debug)]
pub struct Shape<const N: usize> {
    /// In the order of the endpoint's table, aliases last.
    pub names: [&'static str; N],
    /// In the same order; each with its aliases. A fault names the first one.
    pub required: &'static [&'static [&'static str]],
}

/// An object of some [`Shape`]; which values its members have is not judged yet.
#[derive(Debug)]
pub struct Object<'de, const N: usize> {
    place: ParentObject,
    shape: &'static Shape<N>,
    raw: [Option<&'de RawValue>; N],
}

impl<'de, const N: usize> Object<'de, N> {
    /// Reads a whole text that must be one object.
    ///
    /// # Errors
    /// The form's first [`Fault`].
    pub fn parse(
        text: &'de str,
        place: ParentObject,
        shape: &'static Shape<N>,
        ignore_unknown: bool,
    ) -> Result<Self, Fault> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        ReadObject { shape, note_unknown: !ignore_unknown }
            .deserialize(&mut deserializer)
            .and_then(|read| deserializer.end().map(|()| read))
            .map_err(|error| Fault::not_json(text, &error))?
            .judged(place)
    }

    /// A member by its name in the shape; `null` is the same as absent.
    pub fn member(&self, name: &'static str) -> Member<'de> {
        Member { place: self.place, name, text: self.raw(name).map(RawValue::get) }
    }

    /// The same, to be taken over whole.
    pub fn free(&self, name: &'static str) -> FreeMember<'de> {
        FreeMember { member: self.member(name), raw: self.raw(name) }
    }

    fn raw(&self, name: &'static str) -> Option<&'de RawValue> {
        let index = self.shape.names.iter().position(|known| *known == name);
        debug_assert!(index.is_some(), "'{name}' is none of {:?}", self.shape.names);
        index.and_then(|index| self.raw[index]).filter(|raw| raw.get() != "null")
    }
}

/// Reads any JSON value; what is no object is skipped and noted.
#[derive(Clone, Copy)]
pub(super) struct ReadObject<const N: usize> {
    pub shape: &'static Shape<N>,
    pub note_unknown: bool,
}

/// What [`ReadObject`] found.
pub(super) struct Read<'de, const N: usize> {
    shape: &'static Shape<N>,
    is_object: bool,
    twice: Option<usize>,
    unknown: Option<String>,
    raw: [Option<&'de RawValue>; N],
}

impl<'de, const N: usize> Read<'de, N> {
    /// Applies the rules of form, in order.
    pub fn judged(self, place: ParentObject) -> Result<Object<'de, N>, Fault> {
        if !self.is_object {
            return Err(match place {
                ParentObject::Top => Fault::whole_body("must be a JSON object"),
                ParentObject::Event(index) | ParentObject::Data(index) => {
                    Fault::Malformed { field: format!("events[{index}]"), reason: "must be an object".to_owned() }
                }
            });
        }
        if let Some(index) = self.twice {
            return Err(Fault::Twice { field: place.field(self.shape.names[index]) });
        }
        if let Some(name) = self.unknown {
            return Err(Fault::UnknownMember {
                field: place.field(&name),
                meant: near::likely(&name, &self.shape.names),
            });
        }
        let object = Object { place, shape: self.shape, raw: self.raw };
        for names in self.shape.required {
            if names.iter().all(|name| object.member(name).is_blank()) {
                return Err(Fault::Missing { field: place.field(names[0]) });
            }
        }
        Ok(object)
    }
}

impl<'de, const N: usize> DeserializeSeed<'de> for ReadObject<N> {
    type Value = Read<'de, N>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Read<'de, N>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<const N: usize> ReadObject<N> {
    fn no_object<'de, E>(self) -> Result<Read<'de, N>, E> {
        Ok(Read { shape: self.shape, is_object: false, twice: None, unknown: None, raw: [None; N] })
    }
}

impl<'de, const N: usize> Visitor<'de> for ReadObject<N> {
    type Value = Read<'de, N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Read<'de, N>, A::Error> {
        let mut read = Read { shape: self.shape, is_object: true, twice: None, unknown: None, raw: [None; N] };
        let note_unknown = |read: &Read<'de, N>| self.note_unknown && read.unknown.is_none();
        while let Some(name) = members.next_key_seed(Name { names: &self.shape.names, keep: note_unknown(&read) })? {
            match name {
                Known::At(index) => {
                    if read.raw[index].replace(members.next_value()?).is_some() {
                        read.twice.get_or_insert(index);
                    }
                }
                Known::No(name) => {
                    read.unknown = read.unknown.or(name);
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(read)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Read<'de, N>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        self.no_object()
    }

    fn visit_unit<E>(self) -> Result<Read<'de, N>, E> {
        self.no_object()
    }

    fn visit_bool<E>(self, _: bool) -> Result<Read<'de, N>, E> {
        self.no_object()
    }

    fn visit_u64<E>(self, _: u64) -> Result<Read<'de, N>, E> {
        self.no_object()
    }

    fn visit_i64<E>(self, _: i64) -> Result<Read<'de, N>, E> {
        self.no_object()
    }

    fn visit_f64<E>(self, _: f64) -> Result<Read<'de, N>, E> {
        self.no_object()
    }

    fn visit_str<E>(self, _: &str) -> Result<Read<'de, N>, E> {
        self.no_object()
    }
}

/// Finds a member's name among the known ones, copying it only if it is not known and wanted.
pub(super) struct Name<'n> {
    pub names: &'n [&'static str],
    pub keep: bool,
}

pub(super) enum Known {
    At(usize),
    No(Option<String>),
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Known;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Known, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Known;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Known, E> {
        Ok(match self.names.iter().position(|known| *known == name) {
            Some(index) => Known::At(index),
            None => Known::No(self.keep.then(|| name.to_owned())),
        })
    }
}
