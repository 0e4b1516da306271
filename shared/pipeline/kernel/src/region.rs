//! The regions a deployment may serve. Regions share nothing.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A data residency region; the allowlist is `eu`, `us`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Region {
    Eu,
    Us,
}

/// A region word outside the allowlist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown region '{0}': the regions are 'eu' and 'us'")]
pub struct UnknownRegion(pub String);

impl Region {
    pub const ALL: [Region; 2] = [Region::Eu, Region::Us];

    /// The two-letter word used inside ids.
    pub const fn as_str(self) -> &'static str {
        match self {
            Region::Eu => "eu",
            Region::Us => "us",
        }
    }
}

impl FromStr for Region {
    type Err = UnknownRegion;

    fn from_str(text: &str) -> Result<Self, UnknownRegion> {
        Region::ALL.into_iter().find(|region| region.as_str() == text).ok_or_else(|| UnknownRegion(text.to_owned()))
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
