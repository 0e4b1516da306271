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

#[derive(Deserialize)]
#[serde(bound = "")]
struct Wire<D: Decider> {
    v: u32,
    rules: Rules,
    owner: D::Owner,
    #[serde(default)]
    attempt: Option<Attempt>,
    #[serde(default)]
    key: Option<IdempotencyKey>,
    received_at_ms: Timestamp,
    body: D::Command,
}

/// What is written: [`Wire`] without a copy of the command, which may be large.
#[derive(Serialize)]
#[serde(bound = "")]
struct Written<'a, D: Decider> {
    v: u32,
    rules: Rules,
    owner: D::Owner,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<Attempt>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<IdempotencyKey>,
    received_at_ms: Timestamp,
    body: &'a D::Command,
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
        let written = Written::<D> {
            v: Self::FORMAT,
            rules: self.rules,
            owner: self.owner,
            attempt: self.attempt,
            key: self.key,
            received_at_ms: self.received_at,
            body: &self.command,
        };
        serde_json::to_vec(&written).expect("a command is made of structs of texts and numbers, which have a JSON form")
    }

    /// # Errors
    /// [`EnvelopeError`]: a malformed payload, another format, rules that are too new, or an unknown kind of command.
    pub fn decode(payload: &[u8]) -> Result<Self, EnvelopeError> {
        let read = serde_json::from_slice::<Wire<D>>(payload);
        // Read once where it is a command. What is none may be one of a later release.
        let (format, rules) = match &read {
            Ok(wire) => (wire.v, Some(wire.rules)),
            Err(_) => {
                let head: Head = serde_json::from_slice(payload)?;
                (head.v, head.rules)
            }
        };
        if format != Self::FORMAT {
            return Err(EnvelopeError::Format(format));
        }
        if let Some(named) = rules.filter(|named| *named > D::RULES) {
            return Err(EnvelopeError::Rules { named, known: D::RULES });
        }
        let wire = read?;
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
