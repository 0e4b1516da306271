//! Agent slugs: a team's own names for its agents.

use std::fmt;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// The name of an agent within its team: 1 to 128 characters, no control characters, case-sensitive, not trimmed
/// (AgentPing: rules shared by the JSON endpoints). Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "SmolStr")]
pub struct Slug(SmolStr);

/// Why a text is no slug.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 128 characters of printable text")]
pub struct SlugError;

impl Slug {
    pub const MAX_CHARS: usize = 128;

    /// # Errors
    /// [`SlugError`] if empty, too long, or with a control character.
    pub fn parse(text: &str) -> Result<Self, SlugError> {
        check(text).map(|()| Slug(SmolStr::new(text)))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<SmolStr> for Slug {
    type Error = SlugError;

    fn try_from(text: SmolStr) -> Result<Self, SlugError> {
        check(&text).map(|()| Slug(text))
    }
}

fn check(text: &str) -> Result<(), SlugError> {
    let fits = !text.is_empty() && text.chars().take(Slug::MAX_CHARS + 1).count() <= Slug::MAX_CHARS;
    if !fits || text.chars().any(char::is_control) { Err(SlugError) } else { Ok(()) }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
