//! Credentials as clients send them, and their hash, the only form that is stored.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tidegate_kernel::Region;

use crate::{ApiKey, IdError, PingToken, Slug};

mod mistake;
pub mod refused;

pub use mistake::CredentialMistake;

/// The header for proxies that strip `Authorization` (AgentPing: transports).
pub const KEY_HEADER: &str = "x-agentping-key";

/// A well-formed credential. It is a secret: it is hashed for the look-up and then dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    ApiKey(ApiKey),
    PingToken(PingToken),
}

/// Why a text is no credential. Never contains the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    #[error("the credential has neither the form apk_<region>_<32 hex> nor ping_<region>_<32 hex>")]
    Malformed,
    #[error("the credential names region '{region}', which is not one of 'eu', 'us'")]
    UnknownRegion { region: String },
}

impl Credential {
    /// Parses an API key or a ping token (AgentPing: authentication).
    ///
    /// # Errors
    /// [`CredentialError::Malformed`], or [`CredentialError::UnknownRegion`] for a well-formed one of an unknown
    /// region.
    pub fn parse(text: &str) -> Result<Self, CredentialError> {
        let parsed = if text.starts_with("ping_") {
            PingToken::parse(text).map(Credential::PingToken)
        } else {
            ApiKey::parse(text).map(Credential::ApiKey)
        };
        parsed.map_err(|error| match error {
            IdError::Pattern { .. } => CredentialError::Malformed,
            IdError::UnknownRegion { region } => CredentialError::UnknownRegion { region },
        })
    }

    pub const fn region(&self) -> Region {
        match self {
            Credential::ApiKey(key) => key.region(),
            Credential::PingToken(token) => token.region(),
        }
    }

    /// SHA-256 of the wire form, for storage and look-up.
    pub fn hash(&self) -> CredentialHash {
        let text = match self {
            Credential::ApiKey(key) => key.expose(),
            Credential::PingToken(token) => token.expose(),
        };
        CredentialHash(Sha256::digest(text.as_bytes()).into())
    }
}

/// SHA-256 of a credential.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CredentialHash(pub [u8; 32]);

impl fmt::Debug for CredentialHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialHash(…)")
    }
}

/// What an API key may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyAccess {
    /// Everything of its team.
    #[default]
    Full,
    /// It reads, and neither reports nor changes anything.
    Read,
}

/// A text that names no access.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no access of a key: it is full or read")]
pub struct UnknownAccess(pub String);

impl KeyAccess {
    pub const fn as_str(self) -> &'static str {
        match self {
            KeyAccess::Full => "full",
            KeyAccess::Read => "read",
        }
    }
}

impl fmt::Display for KeyAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for KeyAccess {
    type Err = UnknownAccess;

    fn from_str(text: &str) -> Result<Self, UnknownAccess> {
        match text {
            "full" => Ok(KeyAccess::Full),
            "read" => Ok(KeyAccess::Read),
            other => Err(UnknownAccess(other.to_owned())),
        }
    }
}

/// What a credential may do (AgentPing: authentication).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// An API key: every endpoint, every agent of the team.
    Team,
    /// A ping token: heartbeats of this one agent.
    Agent(Slug),
}
