//! Guesses the client's mistake where a text is no credential. The result names the mistake, never the text.

use std::fmt;

use tidegate_kernel::Presented;

use crate::Credential;

/// The most likely mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialMistake {
    /// No known mistake.
    Form,
    /// The credential was empty.
    Empty,
    /// The name of a variable or a placeholder was sent instead of its value.
    Variable,
    Quoted,
    UpperCase,
    /// More than the credential was sent: a name or a scheme before it, a word after it.
    Surrounded,
    /// `Authorization` without `Bearer`.
    NoScheme,
    /// `Authorization` with a scheme other than `Bearer`.
    OtherScheme,
    /// A header came twice with different values.
    SentTwice,
    /// The id of a key or token, as lists show it.
    Handle,
    /// An id of another kind.
    OtherId,
    /// This number of characters follows the region instead of 32.
    Length(usize),
    /// Characters other than hex digits follow the region.
    NoHex,
}

/// Bytes of the text that are examined. A credential is much shorter.
const MAX_BYTES: usize = 1_024;

impl CredentialMistake {
    /// The mistake in a credential's text: the part after `Bearer`, or the value of `X-AgentPing-Key` or of `key`.
    pub fn of(text: &str) -> Self {
        let text = text.trim();
        if text.is_empty() {
            return Self::Empty;
        }
        if text.len() > MAX_BYTES {
            return Self::Form;
        }
        if text.starts_with(['$', '%', '<', '{', '[']) {
            return Self::Variable;
        }
        let is_quote = |char: char| matches!(char, '"' | '\'' | '`' | '“' | '”' | '‘' | '’' | '„' | '«' | '»');
        if text.starts_with(is_quote) || text.ends_with(is_quote) {
            return Self::Quoted;
        }
        let lower = text.to_ascii_lowercase();
        if Credential::parse(&lower).is_ok() {
            return Self::UpperCase;
        }
        let parts = || lower.split(|char: char| char.is_whitespace() || matches!(char, '=' | ':' | ',' | ';'));
        if parts().count() > 1 && parts().any(|part| Credential::parse(part).is_ok()) {
            return Self::Surrounded;
        }
        match lower.split_once('_') {
            Some(("key" | "tok", _)) => Self::Handle,
            Some(("run" | "evt" | "agt" | "team" | "acct", _)) => Self::OtherId,
            Some(("apk" | "ping", rest)) => digits(rest),
            _ => Self::Form,
        }
    }

    /// The mistake in a credential as it was presented.
    pub fn of_presented(presented: Presented<'_>) -> Self {
        match presented {
            Presented::Nothing => Self::Empty,
            Presented::Authorization(value) => Self::of_authorization(value),
            Presented::Plain(text) => Self::of(text),
            Presented::Twice => Self::SentTwice,
            Presented::NoText => Self::Form,
        }
    }

    /// The mistake in the whole value of `Authorization`.
    pub fn of_authorization(value: &str) -> Self {
        let value = value.trim();
        let (scheme, rest) = value.split_once(char::is_whitespace).unwrap_or((value, ""));
        if scheme.eq_ignore_ascii_case("bearer") {
            return Self::of(rest);
        }
        match Self::of(value) {
            Self::Form | Self::Surrounded
                if !rest.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphabetic()) =>
            {
                Self::OtherScheme
            }
            Self::Form if Credential::parse(value).is_ok() => Self::NoScheme,
            Self::UpperCase => Self::NoScheme,
            mistake => mistake,
        }
    }
}

/// The mistake after the prefix, where `<region>_<32 hex>` is expected.
fn digits(rest: &str) -> CredentialMistake {
    let hex = match rest.split_once('_') {
        Some((region, hex)) if region.len() == 2 => hex,
        _ => return CredentialMistake::Form,
    };
    match hex.chars().count() {
        32 => CredentialMistake::NoHex,
        count => CredentialMistake::Length(count),
    }
}

impl fmt::Display for CredentialMistake {
    /// A sentence for the client that names the mistake.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "The credential has neither the form apk_<region>_<32 hex> nor ping_<region>_<32 hex>.",
            Self::Empty => "The credential is empty: was a variable not set?",
            Self::Variable => {
                "The credential is a variable's name or a placeholder, not what it stands for: in a shell, variables are \
                 expanded in double quotes only."
            }
            Self::Quoted => "The credential stands in quotes: send it without.",
            Self::UpperCase => "The credential is in upper case: send it as it was shown, in lower case.",
            Self::Surrounded => "There is more than the credential: send it alone, without a name or a word around it.",
            Self::NoScheme => "'Authorization' lacks its scheme: send 'Authorization: Bearer <credential>'.",
            Self::OtherScheme => {
                "'Authorization' has another scheme than Bearer: send 'Authorization: Bearer <credential>'."
            }
            Self::SentTwice => "The header with the credential came twice, with different values: send it once.",
            Self::Handle => {
                "This is the id of a key or token, as lists show it: the credential itself begins with apk_ or ping_ and \
                 was shown once."
            }
            Self::OtherId => "This is an id, not a credential: a credential begins with apk_ or ping_.",
            Self::Length(count) => {
                return write!(f, "The credential has {count} characters after its region, not 32 hex digits.");
            }
            Self::NoHex => "The credential has characters after its region that are no hex digits (0-9, a-f).",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::CredentialMistake::*;
    use super::*;

    const KEY: &str = "apk_eu_018f3a2b9c1d7e8fa4b9c2d7e8f1a3b6";

    #[test]
    fn the_likeliest_mistake_is_found() {
        let upper = KEY.to_uppercase();
        for (text, mistake) in [
            ("", Empty),
            (" \r\n", Empty),
            ("$KEY", Variable),
            ("${KEY}", Variable),
            ("%KEY%", Variable),
            ("<your key>", Variable),
            ("{{ secrets.KEY }}", Variable),
            (&format!("\"{KEY}\""), Quoted),
            (&format!("'{KEY}'"), Quoted),
            (&format!("{KEY}”"), Quoted),
            (&upper, UpperCase),
            (&upper.replacen("APK", "apk", 1), UpperCase),
            (&format!("Bearer {KEY}"), Surrounded),
            (&format!("key={KEY}"), Surrounded),
            (&format!("KEY: {KEY}"), Surrounded),
            (&format!("{KEY} x"), Surrounded),
            (&format!("{KEY},{KEY}"), Surrounded),
            (&KEY.replace("apk", "key"), Handle),
            (&KEY.replace("apk", "tok"), Handle),
            (&KEY.replace("apk", "run"), OtherId),
            (&format!("{KEY}0"), Length(33)),
            ("apk_eu_…", Length(1)),
            ("ping_eu_", Length(0)),
            (&KEY.replace("b6", "zz"), NoHex),
            ("nonsense", Form),
            ("apk-eu-1", Form),
            (&"x".repeat(100_000), Form),
        ] {
            assert_eq!(CredentialMistake::of(text), mistake, "{text}");
        }
    }

    #[test]
    fn the_header_has_mistakes_of_its_own() {
        for (value, mistake) in [
            ("Basic dXNlcjpwYXNz", OtherScheme),
            (&format!("Token {KEY}"), OtherScheme),
            (KEY, NoScheme),
            (&KEY.to_uppercase(), NoScheme),
            ("Bearer", Empty),
            ("Bearer ", Empty),
            ("", Empty),
            ("Bearer $KEY", Variable),
            (&format!("Bearer Bearer {KEY}"), Surrounded),
            (&format!("bearer \"{KEY}\""), Quoted),
            (&format!("Bearer={KEY}"), Surrounded),
            (&format!("Bearer {}", KEY.to_uppercase()), UpperCase),
        ] {
            assert_eq!(CredentialMistake::of_authorization(value), mistake, "{value}");
        }
    }

    #[test]
    fn no_message_holds_what_was_sent() {
        for text in [KEY, &KEY.to_uppercase(), &format!("'{KEY}'"), &format!("{KEY}00"), &format!("key={KEY}")] {
            let said = CredentialMistake::of(text).to_string() + &CredentialMistake::of_authorization(text).to_string();
            assert!(!said.to_lowercase().contains(&KEY[7..20]), "{said}");
        }
    }
}
