//! `x-request-id` in and out.

use std::fmt::Write;

use http::{HeaderMap, HeaderName, HeaderValue};
use tidegate_ports::Ids;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_CHARS: usize = 128;

/// The id that the client sent, if it is 1 to 128 visible ASCII characters, else a new one.
pub(crate) fn of(headers: &HeaderMap, ids: &dyn Ids) -> HeaderValue {
    let given = headers.get(REQUEST_ID).filter(|given| is_usable(given.as_bytes()));
    given.cloned().unwrap_or_else(|| minted(ids))
}

fn is_usable(given: &[u8]) -> bool {
    (1..=MAX_CHARS).contains(&given.len()) && given.iter().all(u8::is_ascii_graphic)
}

fn minted(ids: &dyn Ids) -> HeaderValue {
    let mut text = String::with_capacity(24);
    text.push_str("req_");
    for byte in ids.random() {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("req_"))
}
