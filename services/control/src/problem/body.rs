//! The part of the table about bodies that did not arrive.

use http::StatusCode;
use http::header::ACCEPT_ENCODING;
use tidegate_door::body::BodyError;

use super::{Cause, Entry, QUIET};

/// Seconds after which a body may fit again: bodies are small and soon read.
const RETRY_AFTER_S: u64 = 1;

pub(super) fn body_entry(error: &BodyError) -> Entry {
    match error {
        BodyError::OverBudget => {
            let message = format!("Too many bodies are under way. Retry in {RETRY_AFTER_S} second.");
            Entry::unavailable(QUIET, Cause::TooManyBytes, RETRY_AFTER_S, message)
        }
        BodyError::TooLarge { max_bytes } => Entry::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "payload_too_large",
            QUIET,
            Cause::BodyTooLarge,
            format!("The body is larger than {max_bytes} bytes, as sent or decoded."),
        ),
        BodyError::Timeout => Entry::new(
            StatusCode::REQUEST_TIMEOUT,
            "request_timeout",
            QUIET,
            Cause::BodyTimeout,
            "The body did not arrive in time.",
        ),
        BodyError::Broken => Entry::bad_request("invalid_json", Cause::BodyBroken, "The body ended too early."),
        BodyError::NotGzip => Entry::bad_request("invalid_json", Cause::NotJson, "The body is not readable gzip."),
        BodyError::Encoding { encoding } => Entry::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_encoding",
            QUIET,
            Cause::Encoding,
            format!("Content-Encoding '{encoding}' is not supported: send gzip, or none."),
        )
        .header(ACCEPT_ENCODING, "gzip"),
    }
}
