//! The one table of refusals: from a cause to status, code, headers, text, log level and metric label. The page
//! `docs/status-codes.md` is the same table for readers, and a test compares the two.

mod admission;
mod agent_slots;
mod cause;
mod faults;
mod overload;
mod times;

use http::StatusCode;
use http::header::{ACCEPT_ENCODING, ALLOW};
use tidegate_admission::Refusal;
use tidegate_door::{LikelyCall, WrongMethod, with_likely_call};
use tracing::Level;

pub use cause::Cause;
pub use tidegate_door::Overload;

use admission::refusal_entry;
use faults::fault_entry;

use crate::parse::Fault;

const NO_ROUTE: &str = "There is no such route. GET /openapi.json lists the routes there are.";

/// One line of the table.
pub type Entry = tidegate_door::Entry<Cause>;

/// Every reason for which a request is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Admission refused.
    Refusal(Refusal),
    /// The body, path or query is faulty.
    Fault(Fault),
    /// No such route; which one was likely meant.
    NotFound { likely: Option<LikelyCall> },
    /// The route has other methods.
    MethodNotAllowed { allow: &'static str, why: WrongMethod },
    /// The body is larger than is read, as sent or decoded.
    BodyTooLarge { max_bytes: usize },
    /// The body did not arrive in time.
    BodyTimeout,
    /// The body ended before its announced end.
    BodyBroken,
    /// A content encoding other than gzip.
    Encoding { encoding: String },
    /// As many requests as may be are in progress.
    TooManyInFlight { retry_after_s: u64 },
    /// As many bytes of bodies as may be are in progress.
    TooManyBytes { retry_after_s: u64 },
    /// A defect of ours.
    Panicked,
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Problem::Refusal(refusal)
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Problem::Fault(fault)
    }
}

impl Problem {
    /// Whether it is our doing that nothing came of the request: a defect, an outage, overload, or an unknown outcome.
    pub fn is_ours(&self) -> bool {
        self.entry().status.is_server_error()
    }

    /// Its line of the table.
    pub fn entry(&self) -> Entry {
        match self {
            Problem::Refusal(refusal) => refusal_entry(refusal),
            Problem::Fault(fault) => fault_entry(fault),
            Problem::NotFound { likely } => Entry::new(
                StatusCode::NOT_FOUND,
                "not_found",
                Level::DEBUG,
                Cause::NotFound,
                with_likely_call(NO_ROUTE, likely.as_ref()),
            ),
            Problem::MethodNotAllowed { allow, why } => Entry::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                Level::DEBUG,
                Cause::MethodNotAllowed,
                why.after(format!("This route takes {allow} only.")),
            )
            .header(ALLOW, allow),
            Problem::BodyTooLarge { max_bytes } => Entry::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "payload_too_large",
                Level::DEBUG,
                Cause::BodyTooLarge,
                format!("The body is larger than {max_bytes} bytes, as sent or decoded."),
            ),
            Problem::BodyTimeout => Entry::new(
                StatusCode::REQUEST_TIMEOUT,
                "request_timeout",
                Level::DEBUG,
                Cause::BodyTimeout,
                "The body did not arrive in time.",
            ),
            Problem::BodyBroken => Entry::bad_request("invalid_json", Cause::BodyBroken, "The body ended too early."),
            Problem::Encoding { encoding } => Entry::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_encoding",
                Level::DEBUG,
                Cause::Encoding,
                format!("Content-Encoding '{encoding}' is not supported: send gzip, or none."),
            )
            // What to send instead (RFC 9110, 15.5.16).
            .header(ACCEPT_ENCODING, "gzip"),
            Problem::TooManyInFlight { retry_after_s } => Entry::overloaded(
                Cause::TooManyInFlight,
                Overload { cause: Cause::TooManyInFlight.label(), class: None },
                *retry_after_s,
                "Too many requests are under way. Send the same again.",
            ),
            Problem::TooManyBytes { retry_after_s } => Entry::overloaded(
                Cause::TooManyBytes,
                Overload { cause: Cause::TooManyBytes.label(), class: None },
                *retry_after_s,
                "Too many bytes of request bodies are under way. Send the same again.",
            ),
            Problem::Panicked => {
                Entry::internal(Cause::Panicked, "Something went wrong on our side. Send the same again.")
            }
        }
    }
}

#[cfg(test)]
mod tests;
