//! Where a credential may be sent (AgentPing: transports).

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};

const KEY_HEADER: HeaderName = HeaderName::from_static("x-agentping-key");
/// Something was sent, but nothing that can be a credential.
const UNUSABLE: &str = "";

/// The credential that decides: `Authorization`, then `X-AgentPing-Key`, then `key` of a ping's query. The first one
/// present is taken, good or bad; the others are not looked at.
pub(crate) fn presented<'r>(headers: &'r HeaderMap, query_key: Option<&'r str>) -> Option<&'r str> {
    if let Some(header) = headers.get(AUTHORIZATION) {
        return Some(bearer(header).unwrap_or(UNUSABLE));
    }
    if let Some(header) = headers.get(KEY_HEADER) {
        return Some(header.to_str().map_or(UNUSABLE, str::trim));
    }
    query_key
}

/// The scheme's name is case-insensitive.
fn bearer(header: &HeaderValue) -> Option<&str> {
    let (scheme, credential) = header.to_str().ok()?.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| credential.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_transport_present_decides_even_if_it_is_bad() {
        let headers = |pairs: &[(&'static str, &'static str)]| -> HeaderMap {
            pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
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
        ] {
            assert_eq!(presented(&sent, query), expected, "{sent:?} {query:?}");
        }
    }
}
