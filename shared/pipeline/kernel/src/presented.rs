//! A credential as a request presents it, not yet parsed.

/// The text of a value that cannot be a credential.
const UNUSABLE: &str = "";

/// The value of the source that decides: `Authorization`, the product's own header, or the query.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Presented<'r> {
    Nothing,
    /// The whole value of `Authorization`, scheme included.
    Authorization(&'r str),
    /// The value of the product's header or of the query.
    Plain(&'r str),
    /// A header was sent more than once, with different values.
    Twice,
    /// A header's value is no text.
    NoText,
}

impl<'r> Presented<'r> {
    /// The credential, without blanks and line breaks at its ends; `None` if none was sent. A value that cannot be a
    /// credential (another scheme, not text, two values) is the empty text.
    pub fn credential(self) -> Option<&'r str> {
        match self {
            Presented::Nothing => None,
            Presented::Authorization(value) => Some(bearer(value).unwrap_or(UNUSABLE)),
            Presented::Plain(value) => Some(value.trim()),
            Presented::Twice | Presented::NoText => Some(UNUSABLE),
        }
    }
}

/// The scheme's name is case-insensitive.
fn bearer(value: &str) -> Option<&str> {
    let (scheme, credential) = value.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| credential.trim())
}
