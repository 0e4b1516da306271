//! `x-request-id` in and out. A product may make every id itself ([`Api::request_id`](crate::Api::request_id)).

use http::{HeaderMap, HeaderName, HeaderValue};

pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_CHARS: usize = 128;
/// Bytes of `req_`.
const PREFIX_BYTES: usize = 4;

/// The id that the client sent, if it is 1 to 128 visible ASCII characters, else a new one from `random` bytes.
pub fn of(headers: &HeaderMap, random: impl FnOnce() -> [u8; 10]) -> HeaderValue {
    let given = headers.get(REQUEST_ID).filter(|given| is_usable(given.as_bytes()));
    given.cloned().unwrap_or_else(|| minted(random()))
}

fn is_usable(given: &[u8]) -> bool {
    (1..=MAX_CHARS).contains(&given.len()) && given.iter().all(u8::is_ascii_graphic)
}

/// A new one from `random` bytes.
pub fn minted(random: [u8; 10]) -> HeaderValue {
    let mut text = *b"req_00000000000000000000";
    for (pair, byte) in text[PREFIX_BYTES..].chunks_exact_mut(2).zip(random) {
        pair[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
        pair[1] = b"0123456789abcdef"[usize::from(byte & 0xf)];
    }
    HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static("req_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(given: &[u8]) -> HeaderValue {
        let given = HeaderValue::from_bytes(given).expect("a header value");
        of(&[(REQUEST_ID, given)].into_iter().collect(), || [0xab; 10])
    }

    #[test]
    fn what_is_short_and_visible_is_passed_through() {
        let longest = [b'x'; MAX_CHARS];
        for given in [&b"a"[..], b"3f-7:/~", &longest] {
            assert_eq!(answered(given).as_bytes(), given);
        }
        for given in [&b""[..], b"a b", b"a\tb", "é".as_bytes(), &[b'x'; MAX_CHARS + 1]] {
            assert_eq!(answered(given), "req_abababababababababab");
        }
        assert_eq!(of(&HeaderMap::new(), || [0; 10]), "req_00000000000000000000");
    }
}
