//! What names a request, and what names a client's idempotency key.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::hex128;
use crate::Timestamp;
use crate::free_json::text_hash_128;

/// The id of one request: a UUIDv7, which is also its request id. The attempt of an effect is a hash of its cause, so
/// that emitting it again gives the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Attempt(#[serde(with = "hex128")] u128);

impl Attempt {
    /// A UUIDv7 made at `now` with 74 of the given random bits.
    pub fn mint(now: Timestamp, random: &[u8; 10]) -> Self {
        let millis = u64::try_from(now.as_millis()).unwrap_or(0) & 0xffff_ffff_ffff;
        Attempt(uuid::Builder::from_unix_timestamp_millis(millis, random).into_uuid().as_u128())
    }

    /// The attempt of the effect that these parts name. Stored facts depend on it, so it must never change.
    pub fn of_effect(cause: &[&[u8]]) -> Self {
        Attempt(text_hash_128(cause))
    }

    pub const fn from_bits(bits: u128) -> Self {
        Attempt(bits)
    }

    pub const fn bits(self) -> u128 {
        self.0
    }
}

/// 32 lowercase hex digits.
impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex128::text(self.0))
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attempt({self})")
    }
}

/// The first 128 bits of a keyed hash of an idempotency key and of whose key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyHash(#[serde(with = "hex128")] pub u128);

/// The first 128 bits of a keyed hash of a request's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContentFingerprint(#[serde(with = "hex128")] pub u128);

/// A client's idempotency key on a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdempotencyKey {
    pub hash: KeyHash,
    /// What a repeat must match.
    pub fingerprint: ContentFingerprint,
}
