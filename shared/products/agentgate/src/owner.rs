//! Whose state a command changes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use tidegate_kernel::LogKey;
use tidegate_kernel::command::OwnerId;

use crate::id::OrgId;

/// The owner of a book. Nothing crosses from one to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// Credits, runs, keys, webhooks and templates.
    Org(OrgId),
    /// The keys of workers that serve every organization.
    Fleet,
}

const FLEET: &str = "fleet";

/// A text that names no owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an owner is an organization's id, or 'fleet'")]
pub struct UnknownOwner;

impl Owner {
    /// What selects the owner's partition.
    pub fn identity(self) -> [u8; 16] {
        match self {
            Owner::Org(org) => org.bits().to_be_bytes(),
            // No organization was born in 1970.
            Owner::Fleet => [0; 16],
        }
    }

    pub const fn org(self) -> Option<OrgId> {
        match self {
            Owner::Org(org) => Some(org),
            Owner::Fleet => None,
        }
    }
}

impl OwnerId for Owner {
    fn log_key(&self) -> LogKey {
        LogKey::new(&self.identity(), &[&self.to_string()])
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Owner::Org(org) => org.fmt(f),
            Owner::Fleet => f.write_str(FLEET),
        }
    }
}

impl FromStr for Owner {
    type Err = UnknownOwner;

    fn from_str(text: &str) -> Result<Self, UnknownOwner> {
        match text {
            FLEET => Ok(Owner::Fleet),
            text => OrgId::parse(text).map(Owner::Org).ok_or(UnknownOwner),
        }
    }
}

impl Serialize for Owner {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Owner {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_its_log_keys_text() {
        for owner in [Owner::Fleet, Owner::Org(OrgId::from_bits(1 << 100))] {
            let text = owner.to_string();
            assert_eq!(owner.log_key().text(), text);
            assert_eq!(text.parse(), Ok(owner));
            assert_eq!(serde_json::to_string(&owner).unwrap(), format!("\"{text}\""));
        }
        assert_eq!("org_x".parse::<Owner>(), Err(UnknownOwner));
    }
}
