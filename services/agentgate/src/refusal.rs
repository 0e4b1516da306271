//! Why a request is refused, and the one table of what a client learns of it: status, code, text, details, headers.

mod cause;
mod details;
mod table;
#[cfg(test)]
mod tests;

use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value, json};
use tidegate_agentgate::{RunId, RunStatus, Scope, Scopes};
use tidegate_door::Unreadable;
use tidegate_door::body::BodyError;
use tidegate_kernel::Timestamp;

pub use cause::Cause;

use crate::parse::{BodyFault, FieldErrors};
use crate::rates::RateHeaders;

/// A refusal with what its headers say of the caller's rate.
#[derive(Debug)]
pub struct Refusal {
    pub(crate) why: Why,
    /// `None`: no organization is known, or it is our own trouble.
    pub(crate) rate: Option<RateHeaders>,
}

/// Why a request is refused.
#[derive(Debug)]
pub(crate) enum Why {
    KeyMissing,
    KeyHeaderMalformed,
    /// It breaks the form of keys, or matches no record.
    KeyUnknown,
    KeyRevoked,
    OrganizationSuspended,
    /// The key has scopes, but not the one that is needed.
    ScopeLacking {
        required: Scope,
        available: Scopes,
    },
    /// The key has no scopes at all.
    NoScopes {
        required: Scope,
    },
    TemplateBuiltIn {
        template: String,
    },
    Body(BodyError),
    ContentType,
    Json(BodyFault),
    Fields(FieldErrors),
    IdempotencyKeyMalformed,
    /// It was used before with another body.
    IdempotencyKeyReused,
    RunEnded {
        run: RunId,
        status: RunStatus,
    },
    /// The organization has as many of these as it may have.
    TooManyKept {
        what: &'static str,
        limit: u32,
    },
    InsufficientCredits {
        required_cents: u64,
        available_cents: u64,
    },
    Billing {
        reason: &'static str,
    },
    PathUnknown {
        path: String,
    },
    RunUnknown {
        run: String,
    },
    WorkOrderUnknown {
        work_order: String,
    },
    WebhookUnknown {
        webhook: String,
    },
    TemplateUnknown {
        template: String,
    },
    RateLimited {
        limit: u32,
        reset_at: Timestamp,
        retry_after_s: u64,
    },
    ConcurrentLimit {
        limit: u32,
        current: u32,
    },
    /// The deciders are behind, or the partition is halted.
    Shed {
        retry_after_s: u64,
    },
    LogRefused {
        retry_after_s: u64,
    },
    StoreUnavailable {
        cause: String,
        retry_after_s: u64,
    },
    LimitsUnavailable {
        cause: String,
    },
    TooManyInFlight,
    TooManyBytes,
    TooManyAnswers,
    /// Others changed the same object again and again.
    Contended,
    /// Appended, or perhaps appended, and not decided in time.
    Undecided,
    /// It reached the log late, so it was not decided.
    Expired,
    Defect {
        cause: String,
    },
    Panicked,
    WorkerKeyInvalid,
    WorkerBody(WorkerFault),
    WorkerRunUnknown {
        run: String,
    },
    TokenStale {
        run: String,
    },
}

/// What is wrong with a request of a worker: one code for all of it.
#[derive(Debug)]
pub(crate) enum WorkerFault {
    Body(BodyError),
    ContentType,
    Json(BodyFault),
    Fields(FieldErrors),
}

impl Refusal {
    /// Puts the rate's headers on a refusal that has none yet.
    #[must_use]
    pub(crate) fn rated(self, rate: RateHeaders) -> Self {
        Refusal { rate: self.rate.or(Some(rate)), ..self }
    }
}

impl Why {
    /// Whether the request itself is at fault, and not its rate, its key, or the server.
    pub fn is_callers(&self) -> bool {
        matches!(self.entry().status.as_u16(), 400 | 402 | 403 | 404)
    }

    /// Whether it is our own trouble.
    pub fn is_ours(&self) -> bool {
        self.entry().status.is_server_error()
    }
}

impl From<Why> for Refusal {
    fn from(why: Why) -> Self {
        Refusal { why, rate: None }
    }
}

impl From<FieldErrors> for Why {
    fn from(errors: FieldErrors) -> Self {
        Why::Fields(errors)
    }
}

impl From<FieldErrors> for Refusal {
    fn from(errors: FieldErrors) -> Self {
        Why::Fields(errors).into()
    }
}

/// The envelope of every refusal. `id` is repeated in the details of our own failures.
pub(crate) fn envelope(refusal: &Refusal, entry: &tidegate_door::Entry<Cause>, id: &HeaderValue) -> String {
    let mut details = refusal.why.details();
    if entry.status.is_server_error() {
        details.insert("requestId".to_owned(), id.to_str().unwrap_or_default().into());
    }
    enveloped(entry.code, &entry.message, details)
}

/// Status and envelope of the answer to a request whose head cannot be read: no endpoint has seen it.
pub(crate) fn unreadable(kind: Unreadable) -> (StatusCode, String) {
    (StatusCode::BAD_REQUEST, enveloped(table::INVALID_REQUEST, kind.message(), Map::new()))
}

fn enveloped(code: &str, message: &str, details: Map<String, Value>) -> String {
    let mut error = Map::new();
    error.insert("code".to_owned(), code.into());
    error.insert("message".to_owned(), message.into());
    if !details.is_empty() {
        error.insert("details".to_owned(), details.into());
    }
    json!({ "error": error }).to_string()
}
