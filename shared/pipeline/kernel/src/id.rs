//! Typed ids: `<prefix>_<region>_<32 lowercase hex>`, the hex being a UUIDv7 without dashes. Each product declares its
//! kinds of ids with [`IdKind`].

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use crate::{Region, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

mod text;

pub use text::IdText;

/// What an id names. The prefix is part of the wire format.
pub trait IdKind: 'static {
    const PREFIX: &'static str;
}

/// A kind whose ids may be shown, logged and stored in plain text. Credentials do not implement it.
pub trait PublicKind: IdKind {}

/// One id of kind `K`. It can only be parsed or minted.
pub struct Id<K> {
    region: Region,
    bits: u128,
    kind: PhantomData<fn() -> K>,
}

/// Why a text is not an id of the kind asked for. Never holds the text itself: it may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    #[error("must match pattern {prefix}_(eu|us)_[0-9a-f]{{32}}")]
    Pattern { prefix: &'static str },
    #[error("names region '{region}', which is not one of 'eu', 'us'")]
    UnknownRegion { region: String },
}

impl<K: IdKind> Id<K> {
    /// Mints a UUIDv7 id born at `now` (clamped to the 48 bits the format has) with 74 of the given random bits.
    pub fn mint(region: Region, now: Timestamp, random: &[u8; 10]) -> Self {
        let millis = u64::try_from(now.as_millis()).unwrap_or(0) & 0xffff_ffff_ffff;
        let uuid = uuid::Builder::from_unix_timestamp_millis(millis, random).into_uuid();
        Id::from_bits(region, uuid.as_u128())
    }

    /// The id with these 128 bits, as an adapter stores them.
    pub const fn from_bits(region: Region, bits: u128) -> Self {
        Id { region, bits, kind: PhantomData }
    }

    /// Parses the wire form. The pattern is judged before the region. Version bits are not checked.
    ///
    /// # Errors
    /// [`IdError::Pattern`] or [`IdError::UnknownRegion`].
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let malformed = IdError::Pattern { prefix: K::PREFIX };
        let rest = text
            .strip_prefix(K::PREFIX)
            .and_then(|rest| rest.strip_prefix('_'))
            .map(str::as_bytes)
            .ok_or(IdError::Pattern { prefix: K::PREFIX })?;
        let [b'a'..=b'z', b'a'..=b'z', b'_', hex @ ..] = rest else {
            return Err(malformed);
        };
        let bits = text::bits_of(hex).ok_or(malformed)?;
        let region = match &rest[..2] {
            b"eu" => Region::Eu,
            b"us" => Region::Us,
            word => {
                let region = word.iter().map(|byte| char::from(*byte)).collect();
                return Err(IdError::UnknownRegion { region });
            }
        };
        Ok(Id::from_bits(region, bits))
    }

    /// The wire form, also of a secret: call it only to show a credential once or to hash it.
    pub fn expose(&self) -> String {
        self.wire_form().as_str().to_owned()
    }

    fn wire_form(&self) -> IdText {
        const { assert!(K::PREFIX.len() <= text::MAX_PREFIX_CHARS, "the prefix is too long for an id's text") };
        IdText::of(K::PREFIX, self.region.as_str(), self.bits)
    }
}

impl<K: PublicKind> Id<K> {
    /// The wire form, on the stack.
    pub fn text(&self) -> IdText {
        self.wire_form()
    }
}

impl<K> Id<K> {
    pub const fn region(&self) -> Region {
        self.region
    }

    pub const fn bits(&self) -> u128 {
        self.bits
    }

    /// The birth time in the first 48 bits. In a client's id it is the client's clock, or an arbitrary value.
    pub fn birth(&self) -> Timestamp {
        // 48 bits always fit.
        Timestamp::from_millis((self.bits >> 80) as i64)
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        (self.region, self.bits) == (other.region, other.bits)
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.region, self.bits).cmp(&(other.region, other.bits))
    }
}
impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.region, self.bits).hash(state);
    }
}

impl<K: PublicKind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_str())
    }
}

/// Shows the kind and region only, so that secrets do not get into logs.
impl<K: IdKind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}_…", K::PREFIX, self.region)
    }
}

impl<K: IdKind> FromStr for Id<K> {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Id::parse(text)
    }
}

impl<K: PublicKind> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text().as_str())
    }
}

impl<'de, K: PublicKind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text<K>(PhantomData<K>);
        impl<K: PublicKind> de::Visitor<'_> for Text<K> {
            type Value = Id<K>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a {} id", K::PREFIX)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Id<K>, E> {
                Id::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text(PhantomData))
    }
}
