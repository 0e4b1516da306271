//! Agent slugs: a team's own names for its agents.

use std::fmt;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

mod invisible;

/// The name of an agent within its team: 1 to 128 characters, no control characters, case-sensitive (AgentPing: rules
/// shared by the JSON endpoints). Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "SmolStr")]
pub struct Slug(SmolStr);

/// Why a text is no slug.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 128 characters of printable text")]
pub struct SlugError;

/// Why a client's text is no agent name. The text completes "Field 'agent' ".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SentSlugError {
    #[error(transparent)]
    Form(#[from] SlugError),
    #[error("has the character U+{:04X}, which cannot be seen: leave it out", u32::from(*.0))]
    Invisible(char),
}

impl Slug {
    pub const MAX_CHARS: usize = 128;

    /// Parses a stored name without a change. Names accepted by earlier builds may have blanks at their ends and
    /// invisible characters.
    ///
    /// # Errors
    /// [`SlugError`] if empty, too long, or with a control character.
    pub fn parse(text: &str) -> Result<Self, SlugError> {
        check(text).map(|()| Slug(SmolStr::new(text)))
    }

    /// Parses a name from a client: blanks at its ends are removed.
    ///
    /// # Errors
    /// [`SentSlugError::Invisible`] for a character that is invisible or changes the direction of others, otherwise the
    /// errors of [`Slug::parse`].
    pub fn sent(text: &str) -> Result<Self, SentSlugError> {
        let text = text.trim();
        match invisible::first(text) {
            Some(char) => Err(SentSlugError::Invisible(char)),
            None => Ok(Slug::parse(text)?),
        }
    }

    /// Whether both look like the same name: names of earlier builds may have blanks at their ends.
    pub fn is_same_agent(&self, other: &Slug) -> bool {
        self == other || self.0.trim() == other.0.trim()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_sends_is_trimmed_and_what_is_stored_is_not() {
        for text in ["nightly", "nightly ", " nightly", "\tnightly\r\n", "nightly\u{a0}", "\u{3000}nightly"] {
            assert_eq!(Slug::sent(text).map(|slug| slug.as_str().to_owned()), Ok("nightly".to_owned()), "{text:?}");
        }
        assert_eq!(Slug::parse("nightly ").unwrap().as_str(), "nightly ");
        assert_eq!(serde_json::from_str::<Slug>("\"\u{200b}x \"").unwrap().as_str(), "\u{200b}x ");
        for blank in ["", " ", "\n", "\u{a0}\u{a0}"] {
            assert_eq!(Slug::sent(blank), Err(SentSlugError::Form(SlugError)), "{blank:?}");
        }
    }

    #[test]
    fn a_character_that_is_not_seen_is_named() {
        let error = Slug::sent("nig\u{200b}htly").unwrap_err();
        assert_eq!(error, SentSlugError::Invisible('\u{200b}'));
        assert_eq!(error.to_string(), "has the character U+200B, which cannot be seen: leave it out");
    }

    #[test]
    fn blanks_at_the_ends_name_no_other_agent() {
        let slug = |text| Slug::parse(text).unwrap();
        assert!(slug("nightly ").is_same_agent(&slug("nightly")));
        assert!(!slug("night ly").is_same_agent(&slug("nightly")));
        assert!(!slug("Nightly").is_same_agent(&slug("nightly")));
    }
}
