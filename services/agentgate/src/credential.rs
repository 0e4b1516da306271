//! The header that carries a key, and the form of keys (AgentGate: authentication and keys).

use http::HeaderMap;
use http::header::AUTHORIZATION;

const CLIENT_PREFIX: &str = "org_live_";
const WORKER_PREFIX: &str = "agw_live_";

/// What a request carries in `Authorization`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Credential<'r> {
    /// There is no header, or it is blank.
    Missing,
    /// The header is not of the form `Bearer <key>`.
    Malformed,
    /// A key of any form.
    Key(&'r str),
}

impl<'r> Credential<'r> {
    pub fn of(headers: &'r HeaderMap) -> Self {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let Some(value) = values.next() else { return Credential::Missing };
        if values.next().is_some() {
            return Credential::Malformed;
        }
        let Ok(text) = value.to_str() else { return Credential::Malformed };
        if text.trim().is_empty() {
            return Credential::Missing;
        }
        let mut words = text.split([' ', '\t']).filter(|word| !word.is_empty());
        match (words.next(), words.next(), words.next()) {
            (Some(scheme), Some(key), None) if scheme.eq_ignore_ascii_case("bearer") => Credential::Key(key),
            _ => Credential::Malformed,
        }
    }
}

/// Whether a key has the form of an organization's: `org_live_` and 16 to 64 letters and digits.
pub(crate) fn is_client_key(key: &str) -> bool {
    has_form(key, CLIENT_PREFIX)
}

/// Whether a key has the form of a worker's: `agw_live_` and 16 to 64 letters and digits.
pub(crate) fn is_worker_key(key: &str) -> bool {
    has_form(key, WORKER_PREFIX)
}

fn has_form(key: &str, prefix: &str) -> bool {
    key.strip_prefix(prefix)
        .is_some_and(|rest| (16..=64).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_header_is_bearer_and_one_key() {
        for (values, expected) in [
            (&[][..], Credential::Missing),
            (&[""], Credential::Missing),
            (&["  "], Credential::Missing),
            (&["Bearer k"], Credential::Key("k")),
            (&["bEARER   k "], Credential::Key("k")),
            (&["Bearer"], Credential::Malformed),
            (&["Bearer "], Credential::Malformed),
            (&["Bearer k l"], Credential::Malformed),
            (&["Basic x"], Credential::Malformed),
            (&["k"], Credential::Malformed),
            (&["Bearer \u{fc}"], Credential::Malformed),
            (&["Bearer k", "Bearer k"], Credential::Malformed),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            }
            assert_eq!(Credential::of(&headers), expected, "{values:?}");
        }
    }

    #[test]
    fn keys_have_their_prefix_and_length() {
        let (short, long) = ("a".repeat(16), "Z9".repeat(32));
        for (key, good) in [
            (format!("org_live_{short}"), true),
            (format!("org_live_{long}"), true),
            (format!("org_live_{long}a"), false),
            (format!("org_live_{}", &short[1..]), false),
            (format!("org_test_{short}"), false),
            (format!("org_live_{}-", &short[1..]), false),
            (format!("agw_live_{short}"), false),
        ] {
            assert_eq!(is_client_key(&key), good, "{key}");
        }
        assert!(is_worker_key(&format!("agw_live_{short}")) && !is_worker_key(&format!("org_live_{short}")));
    }
}
