//! What an API key is for, in the words of whoever made it.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use tidegate_kernel::SmolStr;

/// 1 to 64 characters, none of them a control character, without spaces around them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct KeyLabel(SmolStr);

/// A text that is no label.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{}' is no label of a key: it has 1 to {} characters, and no line breaks or other control characters", .0.escape_debug(), KeyLabel::MAX_CHARS)]
pub struct KeyLabelError(pub String);

impl KeyLabel {
    /// Characters at most.
    pub const MAX_CHARS: usize = 64;

    /// # Errors
    /// [`KeyLabelError`].
    pub fn parse(text: &str) -> Result<Self, KeyLabelError> {
        let label = text.trim();
        let fits = (1..=Self::MAX_CHARS).contains(&label.chars().count()) && !label.chars().any(char::is_control);
        if fits { Ok(KeyLabel(SmolStr::new(label))) } else { Err(KeyLabelError(text.to_owned())) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for KeyLabel {
    type Err = KeyLabelError;

    fn from_str(text: &str) -> Result<Self, KeyLabelError> {
        KeyLabel::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_a_short_line() {
        let long = "é".repeat(KeyLabel::MAX_CHARS);
        for (text, label) in [("ci", "ci"), ("  Grafana (read)  ", "Grafana (read)"), (long.as_str(), long.as_str())] {
            assert_eq!(KeyLabel::parse(text).map(|label| label.to_string()).as_deref(), Ok(label));
        }
        for text in ["", "  ", "two\nlines", "a\u{7}b", &format!("{long}x")] {
            assert_eq!(KeyLabel::parse(text), Err(KeyLabelError(text.to_owned())), "{text:?}");
        }
        assert!(KeyLabel::parse("two\nlines").unwrap_err().to_string().starts_with("'two\\nlines' is no label"));
    }
}
