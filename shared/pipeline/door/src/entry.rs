//! One line of a product's table of refusals: the answer to a request that is refused, and how it is counted and logged.

use std::borrow::Cow;

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use tracing::Level;

/// Everything that a client, a log and a metric learn of a refusal.
#[derive(Clone, Debug)]
pub struct Entry<C> {
    pub status: StatusCode,
    /// A word for machines.
    pub code: &'static str,
    /// The `Retry-After` header, in whole seconds.
    pub retry_after_s: Option<u64>,
    /// One more header that the status asks for, such as `Allow`.
    pub header: Option<(HeaderName, HeaderValue)>,
    /// A sentence for people.
    pub message: Cow<'static, str>,
    /// The one request field to blame.
    pub field: Option<String>,
    /// Of a refusal for overload: what there is too much of, and the class of requests that is refused for it.
    pub overload: Option<Overload>,
    pub level: Level,
    /// The metrics' label, which also knows the outcome.
    pub cause: C,
    /// What else the log line says. Not sent.
    pub detail: Option<String>,
}

/// Why an instance that works is too busy, in words for machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overload {
    pub cause: &'static str,
    /// None where it is no matter of class.
    pub class: Option<&'static str>,
}

/// The members of a JSON refusal.
#[derive(Serialize)]
struct Envelope<'e> {
    error: &'e str,
    message: &'e str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'e str>,
}

impl<C> Entry<C> {
    pub fn new(
        status: StatusCode,
        code: &'static str,
        level: Level,
        cause: C,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Entry {
            status,
            code,
            retry_after_s: None,
            header: None,
            message: message.into(),
            field: None,
            overload: None,
            level,
            cause,
            detail: None,
        }
    }

    /// `400`: the request is faulty.
    pub fn bad_request(code: &'static str, cause: C, message: impl Into<Cow<'static, str>>) -> Self {
        Entry::new(StatusCode::BAD_REQUEST, code, Level::DEBUG, cause, message)
    }

    /// `401`: the credential is missing, bad, or not for this.
    pub fn unauthorized(code: &'static str, cause: C, message: impl Into<Cow<'static, str>>) -> Self {
        Entry::new(StatusCode::UNAUTHORIZED, code, Level::DEBUG, cause, message)
    }

    /// `503`, our own trouble: the same code whatever the trouble is.
    pub fn unavailable(level: Level, cause: C, retry_after_s: u64, message: impl Into<Cow<'static, str>>) -> Self {
        Entry::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", level, cause, message).retry_after(retry_after_s)
    }

    /// `503`: we work and are too busy. The text is ready made: a refusal for overload costs little.
    pub fn overloaded(cause: C, overload: Overload, retry_after_s: u64, message: &'static str) -> Self {
        Entry { overload: Some(overload), ..Entry::unavailable(Level::DEBUG, cause, retry_after_s, message) }
    }

    /// `500`: a defect of ours.
    pub fn internal(cause: C, message: &'static str) -> Self {
        Entry::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", Level::ERROR, cause, message)
    }

    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        // A client that reads 0 would be back at once.
        self.retry_after_s = Some(seconds.max(1));
        self
    }

    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.header = Some((name, HeaderValue::from_static(value)));
        self
    }

    /// Says how to authenticate (RFC 9110, 11.6.1).
    #[must_use]
    pub fn challenge(self) -> Self {
        self.header(WWW_AUTHENTICATE, "Bearer")
    }

    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Whether sending the same again later may work.
    pub fn retryable(&self) -> bool {
        self.status.is_server_error()
            || matches!(self.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
    }

    /// The body of a JSON answer.
    pub fn envelope(&self) -> String {
        let (cause, class) = match self.overload {
            Some(Overload { cause, class }) => (Some(cause), class),
            None => (None, None),
        };
        let body = Envelope { error: self.code, message: &self.message, field: self.field.as_deref(), cause, class };
        // Strings only: serialization cannot fail.
        serde_json::to_string(&body).expect("an envelope always serializes")
    }

    /// The envelope as a response, which has no status yet.
    pub fn json(&self) -> Response {
        with_type("application/json", self.envelope())
    }

    /// Puts status and headers on a refusal that was written.
    pub(crate) fn put_on(self, response: &mut Response) {
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some((name, value)) = self.header {
            headers.insert(name, value);
        }
        debug_assert_ne!(self.status, StatusCode::OK);
    }
}

/// A body with its content type.
pub fn with_type(content_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
