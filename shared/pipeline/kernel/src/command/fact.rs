//! Facts: what became of an attempt, or of an idempotency key. A fact is written once and never overwritten.

use serde::{Deserialize, Serialize};

use super::{Attempt, ContentFingerprint, Decider, KeyHash};
use crate::{Position, Timestamp};

/// Which fact of an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FactId {
    Attempt(Attempt),
    Key(KeyHash),
}

impl FactId {
    pub const BYTES: usize = 17;

    /// As stores keep it: a tag, then the 128 bits in network order.
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let (tag, bits) = match self {
            FactId::Attempt(attempt) => (b'a', attempt.bits()),
            FactId::Key(KeyHash(bits)) => (b'k', bits),
        };
        let mut bytes = [tag; Self::BYTES];
        bytes[1..].copy_from_slice(&bits.to_be_bytes());
        bytes
    }

    /// The inverse of [`FactId::to_bytes`].
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Option<Self> {
        let [tag, bits @ ..] = bytes;
        let bits = u128::from_be_bytes(bits);
        match tag {
            b'a' => Some(FactId::Attempt(Attempt::from_bits(bits))),
            b'k' => Some(FactId::Key(KeyHash(bits))),
            _ => None,
        }
    }
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", bound = "")]
pub enum CommandOutcome<D: Decider> {
    Answered(D::Answer),
    Refused(D::Refusal),
    /// Its idempotency key was used before, with the same content: the answer of then.
    Repeated(D::Answer),
    /// Its idempotency key was used before, with other content.
    Mismatched,
    /// It reached the log more than [`Fact::EXPIRY_MS`] after its front door had received it.
    Expired,
}

/// What is stored of a decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact<D: Decider> {
    /// The position of the command that it is about.
    pub position: Position,
    /// The owner's time of the decision.
    pub decided_at: Timestamp,
    /// On a key's fact: what a repeat must match.
    pub fingerprint: Option<ContentFingerprint>,
    /// Commands to other owners that the decision, or the one that it repeats, emitted: the front door waits for their
    /// outcomes, too.
    pub effects: Vec<(D::Owner, Attempt)>,
    pub outcome: CommandOutcome<D>,
}

/// A stored document that is no fact of this product.
#[derive(Debug, thiserror::Error)]
#[error("the fact of {position} cannot be read: {source}")]
pub struct FactError {
    position: Position,
    source: serde_json::Error,
}

#[derive(Deserialize)]
#[serde(bound = "")]
struct Wire<D: Decider> {
    decided_at_ms: Timestamp,
    #[serde(default)]
    fingerprint: Option<ContentFingerprint>,
    #[serde(default)]
    effects: Vec<(D::Owner, Attempt)>,
    outcome: CommandOutcome<D>,
}

/// What is written: [`Wire`] without a copy of the outcome.
#[derive(Serialize)]
#[serde(bound = "")]
struct Written<'a, D: Decider> {
    decided_at_ms: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<ContentFingerprint>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    effects: &'a [(D::Owner, Attempt)],
    outcome: &'a CommandOutcome<D>,
}

impl<D: Decider> Fact<D> {
    /// A client's command is refused if it reaches the log later than this after its front door had received it.
    pub const EXPIRY_MS: i64 = 60_000;

    /// The document that stores keep, without the position.
    ///
    /// # Panics
    /// If the product's answer has no JSON form.
    pub fn encode(&self) -> Vec<u8> {
        let written = Written::<D> {
            decided_at_ms: self.decided_at,
            fingerprint: self.fingerprint,
            effects: &self.effects,
            outcome: &self.outcome,
        };
        serde_json::to_vec(&written).expect("an answer is made of structs of texts and numbers, which have a JSON form")
    }

    /// # Errors
    /// [`FactError`].
    pub fn decode(position: Position, doc: &[u8]) -> Result<Self, FactError> {
        let wire: Wire<D> = serde_json::from_slice(doc).map_err(|source| FactError { position, source })?;
        Ok(Fact {
            position,
            decided_at: wire.decided_at_ms,
            fingerprint: wire.fingerprint,
            effects: wire.effects,
            outcome: wire.outcome,
        })
    }
}
