//! Free JSON (`data`, `metadata`, `output`, `scores`): kept as sent, judged once when taken in.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

mod names;
mod number;
mod scan;

use scan::Scan;

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
    #[error("has a member twice")]
    Repeated,
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

/// A hash of what free JSON says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentHash {
    pub hash: u64,
    /// What earlier builds made of the same value and stored, where that differs: they took numbers for the same that a
    /// 64-bit integer or float cannot tell apart.
    pub earlier: Option<u64>,
}

/// Checks `raw` against `limits` and returns a hash of what it *says*: white space, the order of members and the
/// spelling of strings and numbers do not change it, and every digit of a number does. Stable across builds and machines:
/// it is stored.
///
/// # Errors
/// [`FreeJsonError`].
pub fn content_hash(raw: &str, limits: FreeJsonLimits) -> Result<u64, FreeJsonError> {
    Ok(content_hash_noting(raw, limits, &mut |_, _| {})?.hash)
}

/// The same, and shows each member of an object (not of what is in it) to `note`: its name and its raw value.
///
/// # Errors
/// [`FreeJsonError`].
pub fn content_hash_noting<'j>(
    raw: &'j str,
    limits: FreeJsonLimits,
    note: &mut dyn FnMut(&str, &'j str),
) -> Result<ContentHash, FreeJsonError> {
    Scan::new(raw, limits).both(note)
}

/// What [`text_hash_128`] gathers on the stack: most that is hashed is short, and setting up a stream costs more than
/// hashing that.
const SHORT_BYTES: usize = 192;

/// A stable 128-bit hash of some texts, each taken with its length.
pub fn text_hash_128(parts: &[&[u8]]) -> u128 {
    let mut short = [0; SHORT_BYTES];
    let mut len = 0;
    for part in parts {
        let length = (part.len() as u64).to_le_bytes();
        let after = len + length.len() + part.len();
        if after > SHORT_BYTES {
            return long_text_hash_128(parts);
        }
        short[len..len + length.len()].copy_from_slice(&length);
        short[len + length.len()..after].copy_from_slice(part);
        len = after;
    }
    xxh3_128(&short[..len])
}

/// The same as a stream, which comes to the same hash.
fn long_text_hash_128(parts: &[&[u8]]) -> u128 {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_have_the_hash_that_the_stream_gives() {
        let bytes: Vec<u8> = (0..=255).collect();
        for len in 0..bytes.len() {
            for parts in [&[&bytes[..len]][..], &[&bytes[..len / 3], &bytes[len / 2..len]], &[]] {
                assert_eq!(text_hash_128(parts), long_text_hash_128(parts), "{len} bytes");
            }
        }
    }
}
