//! Metadata: a flat object within limits, or nothing on a plan that does not keep it.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use tidegate_kernel::{FreeJson, FreeJsonError};

use super::fault::Fault;
use super::free::{FreeMember, free_fault, is_empty_list};
use super::member::unquoted;
use super::number;

pub const MAX_KEYS: usize = 50;
pub const MAX_KEY_BYTES: usize = 64;
pub const MAX_VALUE_BYTES: usize = 1_024;
pub const MAX_BYTES: usize = 8 * 1_024;

/// Reads `metadata` (AgentPing: rules shared by the JSON endpoints). With `keep` off it is dropped without a look.
///
/// # Errors
/// [`Fault::Malformed`], with the rule that was broken.
pub fn metadata(free: &FreeMember<'_>, keep: bool) -> Result<Option<FreeJson>, Fault> {
    let member = &free.member;
    let Some(raw) = free.raw.filter(|_| keep) else { return Ok(None) };
    if is_empty_list(raw) {
        return Ok(Some(FreeJson::empty_object()));
    }
    if raw.get().len() > MAX_BYTES {
        return Err(member.malformed(format!("must be at most {MAX_BYTES} bytes of JSON")));
    }
    let mut breach = None;
    let walked = serde_json::Deserializer::from_str(raw.get()).deserialize_map(Flat { breach: &mut breach });
    match (walked, breach) {
        (Ok(()), None) => Ok(Some(FreeJson::from_raw(raw))),
        (_, Some(Breach::Rule(rule))) => Err(member.malformed(rule)),
        (_, Some(Breach::Repeated)) => Err(free_fault(member, raw.get(), &FreeJsonError::Repeated)),
        (Err(_), None) => Err(member.malformed("must be a flat object of readable text")),
    }
}

/// A member's name, borrowed unless it has escapes: a `Cow` by itself always copies.
#[derive(Deserialize)]
struct Key<'t>(#[serde(borrow)] Cow<'t, str>);

/// Walks the object and notes the first rule that it breaks.
struct Flat<'b> {
    breach: &'b mut Option<Breach>,
}

enum Breach {
    Rule(String),
    /// A key is there twice.
    Repeated,
}

impl<'de> Visitor<'de> for Flat<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a flat object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut seen = [const { Cow::Borrowed("") }; MAX_KEYS];
        let mut keys = 0;
        while let Some(Key(key)) = members.next_key::<Key<'de>>()? {
            let value: &RawValue = members.next_value()?;
            if self.breach.is_some() {
                continue;
            }
            *self.breach = if keys == MAX_KEYS {
                Some(Breach::Rule(format!("must have at most {MAX_KEYS} keys")))
            } else if key.is_empty() || key.len() > MAX_KEY_BYTES {
                Some(Breach::Rule(format!("must have keys of 1 to {MAX_KEY_BYTES} bytes")))
            } else if seen[..keys].contains(&key) {
                Some(Breach::Repeated)
            } else {
                value_breach(value).map(|rule| Breach::Rule(format!("{rule}, which the one of '{key}' is not")))
            };
            if let Some(place) = seen.get_mut(keys) {
                *place = key;
                keys += 1;
            }
        }
        Ok(())
    }
}

fn value_breach(value: &RawValue) -> Option<String> {
    match value.get().as_bytes().first() {
        Some(b'"') => match unquoted(value.get()) {
            Some(text) if text.len() <= MAX_VALUE_BYTES => None,
            Some(_) => Some(format!("must have text values of at most {MAX_VALUE_BYTES} bytes")),
            None => Some("must have readable text values".to_owned()),
        },
        Some(b't' | b'f' | b'n') => None,
        Some(b'{' | b'[') | None => Some("must be flat: values are text, numbers, booleans or null".to_owned()),
        Some(_) => number::finite(value.get()).is_none().then(|| "must have finite numbers".to_owned()),
    }
}
