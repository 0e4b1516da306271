//! A command as a record on the log.

use serde::{Deserialize, Serialize};

use super::release::Head;
use super::{Attempt, Decider, IdempotencyKey, Release, Rules};
use crate::{SmolStr, Timestamp};

/// What the log carries around a product's command.
#[derive(Clone, Debug)]
pub struct Envelope<D: Decider> {
    pub rules: Rules,
    pub owner: D::Owner,
    /// Who is to find the outcome; `None`: no request waits for it (a tick).
    pub attempt: Option<Attempt>,
    pub key: Option<IdempotencyKey>,
    /// When the front door received the request, by its clock.
    pub received_at: Timestamp,
    pub command: D::Command,
}

/// Why a payload is no command that this release can decide.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    #[error("it is no command: {0}")]
    Malformed(#[from] serde_json::Error),
    #[error("it has format {0}; this release knows format 1")]
    Format(u32),
    #[error("it is decided by rules {named}; this release knows rules up to {known}")]
    Rules { named: Rules, known: Rules },
}

#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
struct Wire<D: Decider> {
    v: u32,
    rules: Rules,
    owner: D::Owner,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attempt: Option<Attempt>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<IdempotencyKey>,
    received_at_ms: Timestamp,
    body: D::Command,
}

impl<D: Decider> Envelope<D> {
    const FORMAT: u32 = 1;

    /// What a build of this name knows.
    pub fn release(name: &str) -> Release {
        Release { name: SmolStr::new(name), format: Self::FORMAT, rules: D::RULES }
    }

    /// JSON: `{"v":1,"rules":1,"owner":…,"attempt":…,"key":…,"received_at_ms":…,"body":{"<kind>":…}}`.
    ///
    /// # Panics
    /// If the product's command has no JSON form.
    pub fn encode(&self) -> Vec<u8> {
        let wire = Wire::<D> {
            v: Self::FORMAT,
            rules: self.rules,
            owner: self.owner,
            attempt: self.attempt,
            key: self.key,
            received_at_ms: self.received_at,
            body: self.command.clone(),
        };
        serde_json::to_vec(&wire).expect("a command is made of structs of texts and numbers, which have a JSON form")
    }

    /// # Errors
    /// [`EnvelopeError`]: a malformed payload, another format, rules that are too new, or an unknown kind of command.
    pub fn decode(payload: &[u8]) -> Result<Self, EnvelopeError> {
        let head: Head = serde_json::from_slice(payload)?;
        if head.v != Self::FORMAT {
            return Err(EnvelopeError::Format(head.v));
        }
        if let Some(named) = head.rules.filter(|named| *named > D::RULES) {
            return Err(EnvelopeError::Rules { named, known: D::RULES });
        }
        let wire: Wire<D> = serde_json::from_slice(payload)?;
        Ok(Envelope {
            rules: wire.rules,
            owner: wire.owner,
            attempt: wire.attempt,
            key: wire.key,
            received_at: wire.received_at_ms,
            command: wire.body,
        })
    }
}
