//! Where a request may carry its credential, and which place decides.

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

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: HeaderName = HeaderName::from_static("x-key");

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
                headers.append(*name, http::HeaderValue::from_str(value).unwrap());
            }
            assert_eq!(presented(&headers, &KEY, query).credential(), credential, "{pairs:?} {query:?}");
        }
    }
}
