//! The text of a request's body.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use tidegate_door::body::BodyError;

use crate::parse::Fault;
use crate::refusal_table::Problem;

/// How much of a declared charset is shown back.
const MAX_CHARSET_CHARS: usize = 32;

/// A decoded body as text.
///
/// # Errors
/// A [`Fault::NotJson`] for what is no UTF-8.
pub(crate) fn text(headers: &HeaderMap, decoded: Vec<u8>) -> Result<String, Fault> {
    utf8(decoded).map_err(|fault| named_charset(headers, fault))
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        match error {
            // Who counts how long this has lasted puts in a better time.
            BodyError::OverBudget => Problem::TooManyBytes { retry_after_s: 1 },
            BodyError::Encoding { encoding } => Problem::Encoding { encoding },
            BodyError::TooLarge { max_bytes } => Problem::BodyTooLarge { max_bytes },
            BodyError::Timeout => Problem::BodyTimeout,
            BodyError::Broken => Problem::BodyBroken,
            BodyError::NotGzip => Fault::whole_body("is not readable gzip").into(),
        }
    }
}

/// What some programs put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A byte order mark is skipped.
fn utf8(mut decoded: Vec<u8>) -> Result<String, Fault> {
    if decoded.starts_with(BYTE_ORDER_MARK) {
        decoded.drain(..BYTE_ORDER_MARK.len());
    }
    String::from_utf8(decoded).map_err(|error| Fault::not_utf8(error.as_bytes(), error.utf8_error().valid_up_to()))
}

/// A charset that the sender declares is to blame where a body is no UTF-8; a body that is UTF-8 is taken whatever is declared.
fn named_charset(headers: &HeaderMap, fault: Fault) -> Fault {
    let declared = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let charset =
        declared.and_then(|kind| kind.to_ascii_lowercase().split_once("charset=").map(|(_, set)| set.to_owned()));
    let charset = charset.map(|set| set.split(';').next().unwrap_or_default().trim().trim_matches('"').to_owned());
    match (fault, charset) {
        (Fault::NotJson { field, reason }, Some(charset)) if !matches!(charset.as_str(), "utf-8" | "utf8" | "") => {
            let charset: String = charset.chars().take(MAX_CHARSET_CHARS).collect();
            Fault::NotJson { field, reason: format!("{reason} (Content-Type says '{charset}')") }
        }
        (fault, _) => fault,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_byte_order_mark_is_passed_over_and_what_is_no_text_is_no_json() {
        let read = |bytes: &[u8]| text(&HeaderMap::new(), bytes.to_vec());
        assert_eq!(read(b"\xef\xbb\xbf{}"), Ok("{}".to_owned()));
        assert_eq!(read("\"é\"".as_bytes()), Ok("\"é\"".to_owned()));
        assert!(matches!(read(b"\"\xff\""), Err(Fault::NotJson { .. })));
    }

    #[test]
    fn a_declared_charset_is_named_where_the_text_is_no_utf8() {
        let declared = |kind: &'static str| {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]);
            text(&headers, b"\"\xe9\"".to_vec()).unwrap_err().to_string()
        };
        assert!(declared("application/json; charset=iso-8859-1").contains("Content-Type says 'iso-8859-1'"));
        assert!(!declared("application/json; charset=utf-8").contains("Content-Type"));
    }
}
