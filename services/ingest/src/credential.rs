//! Where a credential may be sent (AgentPing: transports).

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};
use tidegate_agentping::CredentialMistake;

const KEY_HEADER: HeaderName = HeaderName::from_static("x-agentping-key");
/// Something was sent, but nothing that can be a credential.
const UNUSABLE: &str = "";

/// The credential that decides: `Authorization`, then `X-AgentPing-Key`, then `key` of a ping's query. The first one
/// present is taken, good or bad; the others are not looked at. Blanks and line breaks at its ends are cut off.
pub(crate) fn presented<'r>(headers: &'r HeaderMap, query_key: Option<&'r str>) -> Option<&'r str> {
    if let Some(value) = once(headers, &AUTHORIZATION) {
        return Some(value.and_then(bearer).unwrap_or(UNUSABLE));
    }
    if let Some(value) = once(headers, &KEY_HEADER) {
        return Some(value.map_or(UNUSABLE, str::trim));
    }
    query_key.map(str::trim)
}

/// A header's text; `Some(None)` where it is no text, or came with different values.
fn once<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<Option<&'h str>> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    Some(if values.all(|other| other == first) { first.to_str().ok() } else { None })
}

/// The scheme's name is case-insensitive.
fn bearer(value: &str) -> Option<&str> {
    let (scheme, credential) = value.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| credential.trim())
}

/// What was most likely done wrong where [`presented`] is no credential.
pub(crate) fn mistake(headers: &HeaderMap, query_key: Option<&str>) -> CredentialMistake {
    type Judge = fn(&str) -> CredentialMistake;
    let judged = |name: &HeaderName, judge: Judge| {
        let unusable = || {
            let is_twice = headers.get_all(name).iter().count() > 1;
            if is_twice { CredentialMistake::SentTwice } else { CredentialMistake::Form }
        };
        once(headers, name).map(|value| value.map_or_else(unusable, judge))
    };
    judged(&AUTHORIZATION, CredentialMistake::of_authorization)
        .or_else(|| judged(&KEY_HEADER, CredentialMistake::of))
        .unwrap_or_else(|| CredentialMistake::of(query_key.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_transport_present_decides_even_if_it_is_bad() {
        let headers = |pairs: &[(&'static str, &'static str)]| -> HeaderMap {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(*name, value.parse().unwrap());
            }
            headers
        };
        let auth = "authorization";
        let key = "x-agentping-key";
        for (sent, query, expected) in [
            (headers(&[]), None, None),
            (headers(&[]), Some("q"), Some("q")),
            (headers(&[(key, "k")]), Some("q"), Some("k")),
            (headers(&[(auth, "Bearer b"), (key, "k")]), Some("q"), Some("b")),
            (headers(&[(auth, "bEARER   b ")]), None, Some("b")),
            (headers(&[(auth, "Basic abc"), (key, "k")]), None, Some("")),
            (headers(&[(auth, "apk_eu_00000000000000000000000000000000")]), None, Some("")),
            (headers(&[(auth, "")]), Some("q"), Some("")),
            (headers(&[(key, " k ")]), None, Some("k")),
            (headers(&[(auth, "Bearer b"), (auth, "Bearer b")]), None, Some("b")),
            (headers(&[(auth, "Bearer b"), (auth, "Bearer c")]), Some("q"), Some("")),
            (headers(&[(key, "k"), (key, "l")]), Some("q"), Some("")),
            (headers(&[]), Some("q\r\n"), Some("q")),
        ] {
            assert_eq!(presented(&sent, query), expected, "{sent:?} {query:?}");
        }
    }

    #[test]
    fn the_likeliest_mistake_is_named() {
        let of = |pairs: &[(&'static str, &'static str)], query| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(*name, value.parse().unwrap());
            }
            mistake(&headers, query)
        };
        for (pairs, query, expected) in [
            (&[("authorization", "Basic abc")][..], None, CredentialMistake::OtherScheme),
            (&[("authorization", "Bearer")], None, CredentialMistake::Empty),
            (&[("authorization", "Bearer b"), ("authorization", "Bearer c")], None, CredentialMistake::SentTwice),
            (&[("x-agentping-key", "a"), ("x-agentping-key", "b")], None, CredentialMistake::SentTwice),
            (&[("x-agentping-key", "'k'")], Some("$KEY"), CredentialMistake::Quoted),
            (&[], Some("$KEY"), CredentialMistake::Variable),
            (&[], Some(""), CredentialMistake::Empty),
        ] {
            assert_eq!(of(pairs, query), expected, "{pairs:?} {query:?}");
        }
    }
}
