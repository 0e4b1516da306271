//! Free JSON (`data`, `metadata`, `output`, `scores`): stored as sent, validated once at admission.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

mod mix;
mod names;
mod number;
mod scan;

use scan::Scan;

/// A JSON value, byte for byte as the client sent it.
#[derive(Clone, Debug)]
pub struct FreeJson(Box<RawValue>);

/// Limits of free JSON's structure, so that later readers can parse it.
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
    /// Wraps a value without a change.
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

/// A hash of the content of free JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentHash {
    pub hash: u64,
    /// The hash that earlier builds stored for the same value, where it differs: they did not distinguish numbers that
    /// are the same 64-bit integer or float.
    pub earlier: Option<u64>,
}

/// Checks `raw` against `limits` and returns a hash of its *content*: white space, the order of members and the
/// spelling of strings and numbers do not change it; every digit of a number does. The hash is stored, so it is stable
/// across builds and machines.
///
/// # Errors
/// [`FreeJsonError`].
pub fn content_hash(raw: &str, limits: FreeJsonLimits) -> Result<u64, FreeJsonError> {
    Ok(content_hash_noting(raw, limits, &mut |_, _| {})?.hash)
}

/// Like [`content_hash`], and calls `note` with the name and raw value of each member of an object (not of nested
/// values).
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

/// Bytes that [`text_hash_128`] collects on the stack: most inputs are short, and the setup of a stream costs more than
/// their hash.
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

/// Computes the same hash as a stream.
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
