//! The query of a URL, read strictly: what is no text is a fault with its place, and is never replaced.

use std::borrow::Cow;

/// A query's parameters in the order sent. A part without `=` is a name with an empty value.
#[derive(Debug)]
pub struct Query<'q>(Vec<Parameter<'q>>);

/// One parameter, decoded.
#[derive(Debug)]
pub struct Parameter<'q> {
    pub name: Text<'q>,
    pub value: Text<'q>,
}

/// A decoded text, or what is wrong with it.
pub type Text<'q> = Result<Cow<'q, str>, TextFault>;

/// Why a part of a query is no text. Completes "Parameter 'x' ".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextFault {
    #[error("is not UTF-8 text: {escape} at character {at} stands for no character (an é, say, is %C3%A9)")]
    NotUtf8 {
        /// As sent, such as `%E9`.
        escape: String,
        /// Of the part as sent, from 1.
        at: usize,
    },
    #[error("has '{escape}' at character {at}, which is no %XX escape: write a percent sign as %25")]
    Escape {
        /// As sent, such as `%zz` or `%4`.
        escape: String,
        /// Of the part as sent, from 1.
        at: usize,
    },
}

impl<'q> Query<'q> {
    /// Reads the part of a URL that follows its `?`; `None` is an empty one.
    pub fn read(raw: Option<&'q str>) -> Self {
        let parts = raw.unwrap_or_default().split('&').filter(|part| !part.is_empty());
        let parameters = parts.map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            Parameter { name: decoded(name), value: decoded(value) }
        });
        Query(parameters.collect())
    }

    /// All of them.
    pub fn parameters(&self) -> &[Parameter<'q>] {
        &self.0
    }

    /// The first value of the parameter `name`, where it is text.
    pub fn first(&self, name: &str) -> Option<&str> {
        let named = self.0.iter().find(|parameter| parameter.is(name))?;
        named.value.as_deref().ok()
    }
}

impl Parameter<'_> {
    pub fn is(&self, name: &str) -> bool {
        self.name.as_deref() == Ok(name)
    }
}

/// `%XX` is a byte and `+` a space; everything else stands for itself.
fn decoded(part: &str) -> Text<'_> {
    if !part.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return Ok(Cow::Borrowed(part));
    }
    let raw = part.as_bytes();
    let mut bytes = Vec::with_capacity(raw.len());
    let mut at = 0;
    while at < raw.len() {
        let (byte, length) = match raw[at] {
            b'+' => (b' ', 1),
            b'%' => (escaped(raw, at).ok_or_else(|| escape_fault(part, at))?, 3),
            byte => (byte, 1),
        };
        bytes.push(byte);
        at += length;
    }
    String::from_utf8(bytes).map(Cow::Owned).map_err(|error| utf8_fault(part, error.utf8_error().valid_up_to()))
}

fn escaped(raw: &[u8], at: usize) -> Option<u8> {
    let digit = |at: usize| char::from(*raw.get(at)?).to_digit(16);
    // Two hexadecimal digits fit a byte.
    Some((digit(at + 1)? * 16 + digit(at + 2)?) as u8)
}

fn escape_fault(part: &str, at: usize) -> TextFault {
    TextFault::Escape { escape: part[at..].chars().take(3).collect(), at: part[..at].chars().count() + 1 }
}

/// `valid` bytes of the decoded text are good.
fn utf8_fault(part: &str, mut valid: usize) -> TextFault {
    let mut at = 0;
    while valid > 0 {
        at += if part.as_bytes()[at] == b'%' { 3 } else { 1 };
        valid -= 1;
    }
    TextFault::NotUtf8 { escape: part[at..].chars().take(3).collect(), at: part[..at].chars().count() + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(raw: &str) -> Vec<(String, String)> {
        let text = |text: &Text<'_>| text.as_deref().map_or_else(ToString::to_string, str::to_owned);
        let query = Query::read(Some(raw));
        query.parameters().iter().map(|one| (text(&one.name), text(&one.value))).collect()
    }

    #[test]
    fn parameters_are_decoded_in_order() {
        for (raw, expected) in [
            ("", &[][..]),
            ("&&", &[]),
            ("a=1&b=2&a=3", &[("a", "1"), ("b", "2"), ("a", "3")]),
            ("a&=x&b=c=d", &[("a", ""), ("", "x"), ("b", "c=d")]),
            ("na%6De=a+b%20%2B%c3%a9%26", &[("name", "a b +é&")]),
            ("a=%00%0D", &[("a", "\0\r")]),
        ] {
            let expected: Vec<_> = expected.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
            assert_eq!(values(raw), expected, "{raw}");
        }
    }

    #[test]
    fn what_is_no_text_is_named_with_its_place() {
        for (raw, escape, at) in [
            ("caf%E9", "%E9", 4),
            ("caf%C3%A9%E9x", "%E9", 10),
            ("a+%20%ff", "%ff", 6),
            ("%C3", "%C3", 1),
            ("%ED%A0%80", "%ED", 1),
            ("x%F0%9F%98", "%F0", 2),
        ] {
            let fault = TextFault::NotUtf8 { escape: escape.to_owned(), at };
            assert_eq!(decoded(raw), Err(fault), "{raw}");
        }
        for (raw, escape, at) in [
            ("50%", "%", 3),
            ("50%+", "%+", 3),
            ("a%zz", "%zz", 2),
            ("é%4", "%4", 2),
            ("%é1", "%é1", 1),
            ("%%41", "%%4", 1),
        ] {
            let fault = TextFault::Escape { escape: escape.to_owned(), at };
            assert_eq!(decoded(raw), Err(fault), "{raw}");
        }
    }

    #[test]
    fn the_first_value_is_found_where_it_is_text() {
        let query = Query::read(Some("key=%E9&a=1&a=2"));
        assert_eq!(query.first("a"), Some("1"));
        assert_eq!(query.first("key"), None);
        assert_eq!(query.first("b"), None);
        assert_eq!(Query::read(None).first("a"), None);
    }
}
