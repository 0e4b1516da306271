//! Agent slugs: a team's own names for its agents.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The name of an agent within its team: 1 to 128 characters, no control characters, case-sensitive, not trimmed
/// (AgentPing: rules shared by the JSON endpoints). Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Slug(Arc<str>);

/// Why a text is no slug.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 128 characters of printable text")]
pub struct SlugError;

impl Slug {
    pub const MAX_CHARS: usize = 128;

    /// # Errors
    /// [`SlugError`] if empty, too long, or with a control character.
    pub fn parse(text: &str) -> Result<Self, SlugError> {
        let fits = !text.is_empty() && text.chars().take(Self::MAX_CHARS + 1).count() <= Self::MAX_CHARS;
        if !fits || text.chars().any(char::is_control) {
            return Err(SlugError);
        }
        Ok(Slug(text.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Slug {
    type Error = SlugError;

    fn try_from(text: String) -> Result<Self, SlugError> {
        Slug::parse(&text)
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
