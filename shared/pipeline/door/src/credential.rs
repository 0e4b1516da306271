//! Where a request may carry its credential, and which place decides: one of several ([`presented`]), or
//! `Authorization` alone ([`BearerKey`]).

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};
use tidegate_kernel::Presented;

/// The credential of a request, from `Authorization`, else from `header`, the product's own for proxies that strip
/// `Authorization`, else from `query`, where the route accepts a credential there. The first one present decides, good or
/// bad; the others are not looked at.
pub fn presented<'r>(headers: &'r HeaderMap, header: &HeaderName, query: Option<&'r str>) -> Presented<'r> {
    in_header(headers, &AUTHORIZATION, Presented::Authorization)
        .or_else(|| in_header(headers, header, Presented::Plain))
        .unwrap_or_else(|| query.map_or(Presented::Nothing, Presented::Plain))
}

/// `None`: there is no such header.
fn in_header<'r>(
    headers: &'r HeaderMap,
    name: &HeaderName,
    text: impl FnOnce(&'r str) -> Presented<'r>,
) -> Option<Presented<'r>> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    if values.any(|other| other != first) {
        return Some(Presented::Twice);
    }
    Some(first.to_str().map_or(Presented::NoText, text))
}

/// What a request carries in `Authorization`, for a product that takes its key nowhere else and has a refusal for each
/// form. Stricter than [`presented`]: the header is sent once, and has no further words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BearerKey<'r> {
    /// There is no header, or it is blank.
    Missing,
    /// The header is not of the form `Bearer <key>`.
    Malformed,
    /// A key of any form.
    Key(&'r str),
}

impl<'r> BearerKey<'r> {
    pub fn of(headers: &'r HeaderMap) -> Self {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let Some(value) = values.next() else { return BearerKey::Missing };
        if values.next().is_some() {
            return BearerKey::Malformed;
        }
        let Ok(text) = value.to_str() else { return BearerKey::Malformed };
        if text.trim().is_empty() {
            return BearerKey::Missing;
        }
        let mut words = text.split([' ', '\t']).filter(|word| !word.is_empty());
        match (words.next(), words.next(), words.next()) {
            (Some(scheme), Some(key), None) if scheme.eq_ignore_ascii_case("bearer") => BearerKey::Key(key),
            _ => BearerKey::Malformed,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const KEY: HeaderName = HeaderName::from_static("x-key");

    #[test]
    fn the_header_is_bearer_and_one_key() {
        for (values, expected) in [
            (&[][..], BearerKey::Missing),
            (&[""], BearerKey::Missing),
            (&["  "], BearerKey::Missing),
            (&["Bearer k"], BearerKey::Key("k")),
            (&["bEARER   k "], BearerKey::Key("k")),
            (&["Bearer"], BearerKey::Malformed),
            (&["Bearer "], BearerKey::Malformed),
            (&["Bearer k l"], BearerKey::Malformed),
            (&["Basic x"], BearerKey::Malformed),
            (&["k"], BearerKey::Malformed),
            (&["Bearer \u{fc}"], BearerKey::Malformed),
            (&["Bearer k", "Bearer k"], BearerKey::Malformed),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            }
            assert_eq!(BearerKey::of(&headers), expected, "{values:?}");
        }
    }

    #[test]
    fn the_first_transport_present_decides_even_if_it_is_bad() {
        let (auth, key) = ("authorization", "x-key");
        for (pairs, query, credential) in [
            (&[][..], None, None),
            (&[], Some("q"), Some("q")),
            (&[], Some("q\r\n"), Some("q")),
            (&[(key, "k")], Some("q"), Some("k")),
            (&[(key, " k ")], None, Some("k")),
            (&[(auth, "Bearer b"), (key, "k")], Some("q"), Some("b")),
            (&[(auth, "bEARER   b ")], None, Some("b")),
            (&[(auth, "Basic abc"), (key, "k")], None, Some("")),
            (&[(auth, "apk_eu_00000000000000000000000000000000")], None, Some("")),
            (&[(auth, "")], Some("q"), Some("")),
            (&[(auth, "Bearer \u{fc}")], None, Some("")),
            (&[(auth, "Bearer b"), (auth, "Bearer b")], None, Some("b")),
            (&[(auth, "Bearer b"), (auth, "Bearer c")], Some("q"), Some("")),
            (&[(key, "k"), (key, "l")], Some("q"), Some("")),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(*name, HeaderValue::from_str(value).unwrap());
            }
            assert_eq!(presented(&headers, &KEY, query).credential(), credential, "{pairs:?} {query:?}");
        }
    }
}
