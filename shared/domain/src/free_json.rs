//! Free JSON (`data`, `metadata`, `output`, `scores`): kept as sent, judged once when taken in.

use std::fmt;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use xxhash_rust::xxh3::{Xxh3, xxh3_64, xxh3_64_with_seed};

/// A JSON value that travels untouched, byte for byte as the client wrote it.
#[derive(Clone, Debug)]
pub struct FreeJson(Box<RawValue>);

/// How much structure free JSON may have: whoever parses it later must be able to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FreeJsonLimits {
    pub max_depth: u32,
    /// Object members, counted over the whole value.
    pub max_members: u32,
}

impl FreeJsonLimits {
    pub const DEFAULT: FreeJsonLimits = FreeJsonLimits { max_depth: 64, max_members: 10_000 };
}

/// Why free JSON is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FreeJsonError {
    #[error("is not valid JSON")]
    NotJson,
    #[error("is nested deeper than {max} levels")]
    TooDeep { max: u32 },
    #[error("has more than {max} members")]
    TooManyMembers { max: u32 },
}

impl FreeJson {
    /// Takes a value over as it stands.
    pub fn from_raw(raw: &RawValue) -> Self {
        FreeJson(raw.to_owned())
    }

    /// # Errors
    /// [`FreeJsonError::NotJson`].
    pub fn parse(text: &str) -> Result<Self, FreeJsonError> {
        RawValue::from_string(text.to_owned()).map(FreeJson).map_err(|_| FreeJsonError::NotJson)
    }

    /// `{}`.
    pub fn empty_object() -> Self {
        FreeJson(RawValue::from_string("{}".to_owned()).unwrap_or_default())
    }

    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    pub fn as_raw(&self) -> &RawValue {
        &self.0
    }
}

impl PartialEq for FreeJson {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}
impl Eq for FreeJson {}

impl Serialize for FreeJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for FreeJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(FreeJson)
    }
}

/// Checks `raw` against `limits` and returns a hash of what it *says*: white space, the order of members and the
/// spelling of strings and numbers do not change it. Stable across builds and machines: it is stored.
///
/// # Errors
/// [`FreeJsonError`].
pub fn content_hash(raw: &str, limits: FreeJsonLimits) -> Result<u64, FreeJsonError> {
    let mut budget = Budget { members_left: limits.max_members, breach: None, limits };
    let mut deserializer = serde_json::Deserializer::from_str(raw);
    // Our own depth limit decides, so that the error can name it.
    let hashed = Hashed { budget: &mut budget, depth: 0 }.deserialize(&mut deserializer);
    match (hashed, budget.breach) {
        (_, Some(breach)) => Err(breach),
        (Ok(hash), None) => Ok(hash),
        (Err(_), None) => Err(FreeJsonError::NotJson),
    }
}

/// A stable 128-bit hash of some texts, each taken with its length.
pub fn text_hash_128(parts: &[&[u8]]) -> u128 {
    let mut hasher = Xxh3::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.digest128()
}

/// A stable 64-bit hash of some texts, each taken with its length.
pub fn text_hash(parts: &[&[u8]]) -> u64 {
    // Truncation keeps the low half, which is as good a hash.
    text_hash_128(parts) as u64
}

struct Budget {
    members_left: u32,
    breach: Option<FreeJsonError>,
    limits: FreeJsonLimits,
}

struct Hashed<'b> {
    budget: &'b mut Budget,
    depth: u32,
}

impl Hashed<'_> {
    fn deeper<E: de::Error>(&mut self) -> Result<Hashed<'_>, E> {
        if self.depth >= self.budget.limits.max_depth {
            self.budget.breach = Some(FreeJsonError::TooDeep { max: self.budget.limits.max_depth });
            return Err(E::custom("too deep"));
        }
        Ok(Hashed { budget: self.budget, depth: self.depth + 1 })
    }

    fn reborrow(&mut self) -> Hashed<'_> {
        Hashed { budget: self.budget, depth: self.depth }
    }

    fn member<E: de::Error>(&mut self) -> Result<(), E> {
        match self.budget.members_left.checked_sub(1) {
            Some(left) => {
                self.budget.members_left = left;
                Ok(())
            }
            None => {
                self.budget.breach = Some(FreeJsonError::TooManyMembers { max: self.budget.limits.max_members });
                Err(E::custom("too many members"))
            }
        }
    }
}

const TAG_NULL: u64 = 1;
const TAG_BOOL: u64 = 2;
const TAG_INTEGER: u64 = 3;
const TAG_FLOAT: u64 = 4;
const TAG_STRING: u64 = 5;
const TAG_LIST: u64 = 6;
const TAG_OBJECT: u64 = 7;

fn mix(tag: u64, value: u64) -> u64 {
    xxh3_64_with_seed(&value.to_le_bytes(), tag)
}

impl<'de> DeserializeSeed<'de> for Hashed<'_> {
    type Value = u64;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u64, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Hashed<'_> {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<u64, E> {
        Ok(mix(TAG_NULL, 0))
    }

    fn visit_bool<E>(self, value: bool) -> Result<u64, E> {
        Ok(mix(TAG_BOOL, u64::from(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<u64, E> {
        Ok(mix(TAG_INTEGER, value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<u64, E> {
        Ok(mix(TAG_INTEGER, value as u64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<u64, E> {
        // 1.0 and 1 say the same; within 2^53 the conversion is exact.
        if value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0 {
            return Ok(mix(TAG_INTEGER, value as i64 as u64));
        }
        Ok(mix(TAG_FLOAT, value.to_bits()))
    }

    fn visit_str<E>(self, text: &str) -> Result<u64, E> {
        Ok(mix(TAG_STRING, xxh3_64(text.as_bytes())))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<u64, A::Error> {
        let mut inner = self.deeper()?;
        let mut hash = TAG_LIST;
        while let Some(item) = list.next_element_seed(inner.reborrow())? {
            hash = mix(hash, item);
        }
        Ok(mix(TAG_LIST, hash))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut object: A) -> Result<u64, A::Error> {
        let mut inner = self.deeper()?;
        // A sum does not depend on the order of members.
        let mut sum = TAG_OBJECT;
        while let Some(key) = object.next_key_seed(Key)? {
            inner.member()?;
            let value = object.next_value_seed(inner.reborrow())?;
            sum = sum.wrapping_add(mix(key, value));
        }
        Ok(mix(TAG_OBJECT, sum))
    }
}

/// Hashes a member's name without owning it.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = u64;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u64, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    fn visit_str<E>(self, name: &str) -> Result<u64, E> {
        Ok(xxh3_64(name.as_bytes()))
    }
}
