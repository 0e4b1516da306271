//! One row of the table: the answer to a request that is not taken in, and how it is counted and logged.

use std::borrow::Cow;

use http::StatusCode;
use serde::Serialize;
use tracing::Level;
use utoipa::ToSchema;

use super::{Cause, Overload};

/// One line of the table.
#[derive(Clone, Debug)]
pub struct Entry {
    pub status: StatusCode,
    pub code: &'static str,
    /// The `Retry-After` header.
    pub retry_after_s: Option<u64>,
    pub message: Cow<'static, str>,
    /// The one request field to blame.
    pub field: Option<String>,
    /// Of a refusal for overload: what there is too much of, and the class of requests that is refused for it.
    pub overload: Option<Overload>,
    pub level: Level,
    /// The metrics' label, which also knows the outcome.
    pub cause: Cause,
}

/// The error envelope (AgentPing: envelope). `cause` and `class` are additions to it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody<'e> {
    /// A word for machines.
    #[schema(example = "missing_field")]
    pub error: &'e str,
    /// A sentence for people.
    #[schema(example = "Field 'agent' is required.")]
    pub message: &'e str,
    /// The request field to blame, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<&'e str>,
    /// With a `503` for overload: what there is too much of (`age`, `records`, `unknown`, `partition_halted`,
    /// `too_many_in_flight`, `too_many_bytes`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<&'e str>,
    /// With a `503` for overload: the class of requests that is refused now (`events`, `start`, `finish`, `heartbeat`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<&'e str>,
}

impl Entry {
    /// The body of a JSON answer.
    pub fn envelope(&self) -> String {
        let (cause, class) = match self.overload {
            Some(Overload { cause, class }) => (Some(cause), class),
            None => (None, None),
        };
        let body = ErrorBody { error: self.code, message: &self.message, field: self.field.as_deref(), cause, class };
        // Strings only: serialization cannot fail.
        serde_json::to_string(&body).expect("an envelope always serializes")
    }

    /// Whether sending the same again later may work.
    pub fn retryable(&self) -> bool {
        self.status.is_server_error()
            || matches!(self.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
    }

    pub(super) fn new(
        status: StatusCode,
        code: &'static str,
        level: Level,
        cause: Cause,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Entry { status, code, retry_after_s: None, message: message.into(), field: None, overload: None, level, cause }
    }

    pub(super) fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    pub(super) fn retry_after(mut self, seconds: u64) -> Self {
        // A client that reads 0 would be back at once.
        self.retry_after_s = Some(seconds.max(1));
        self
    }
}

/// Our own trouble: the same words whatever the trouble is.
pub(super) fn unavailable(level: Level, cause: Cause, retry_after_s: u64, message: &'static str) -> Entry {
    Entry::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", level, cause, message).retry_after(retry_after_s)
}

/// We work and are too busy. The texts are ready made: a refusal for overload costs little.
pub(super) fn overloaded(cause: Cause, overload: Overload, retry_after_s: u64, message: &'static str) -> Entry {
    Entry { overload: Some(overload), ..unavailable(Level::DEBUG, cause, retry_after_s, message) }
}

pub(super) fn unauthorized(code: &'static str, cause: Cause, message: impl Into<Cow<'static, str>>) -> Entry {
    Entry::new(StatusCode::UNAUTHORIZED, code, Level::DEBUG, cause, message)
}

pub(super) fn bad_request(code: &'static str, cause: Cause, message: impl Into<Cow<'static, str>>) -> Entry {
    Entry::new(StatusCode::BAD_REQUEST, code, Level::DEBUG, cause, message)
}
