//! The one table: from what went wrong to everything that a client, a log and a metric are told of it. The page
//! `docs/status-codes.md` is the same table for readers, and a test holds the two together.

mod cause;
mod overload;

use std::borrow::Cow;

use http::StatusCode;
use serde::Serialize;
use tidegate_admission::{Refusal, StartField};
use tidegate_domain::Timestamp;
use tracing::Level;
use utoipa::ToSchema;

pub use cause::Cause;
pub use overload::Overload;
use overload::shed_message;

use crate::parse::Fault;

/// Everything for which a request is not taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Admission refused.
    Refusal(Refusal),
    /// The body, path or query is faulty.
    Fault(Fault),
    /// No such route.
    NotFound,
    /// The route has other methods.
    MethodNotAllowed { allow: &'static str },
    /// The body is larger than is read, as sent or decoded.
    BodyTooLarge { max_bytes: usize },
    /// The body did not arrive in time.
    BodyTimeout,
    /// The body ended before its announced end.
    BodyBroken,
    /// A content encoding other than gzip.
    Encoding { encoding: String },
    /// As many requests as may be are under way.
    TooManyInFlight,
    /// As many bytes of bodies as may be are under way.
    TooManyBytes,
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
    /// With a `503` for overload: what there is too much of (`age`, `records`, `unknown`, `too_many_in_flight`,
    /// `too_many_bytes`).
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

    fn new(
        status: StatusCode,
        code: &'static str,
        level: Level,
        cause: Cause,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Entry { status, code, retry_after_s: None, message: message.into(), field: None, overload: None, level, cause }
    }

    fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    fn retry_after(mut self, seconds: u64) -> Self {
        // A client that reads 0 would be back at once.
        self.retry_after_s = Some(seconds.max(1));
        self
    }
}

/// Our own trouble: the same words whatever the trouble is.
fn unavailable(level: Level, cause: Cause, retry_after_s: u64, message: &'static str) -> Entry {
    Entry::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", level, cause, message).retry_after(retry_after_s)
}

/// We work and are too busy. The texts are ready made: a refusal for overload costs little.
fn overloaded(cause: Cause, overload: Overload, retry_after_s: u64, message: &'static str) -> Entry {
    Entry { overload: Some(overload), ..unavailable(Level::DEBUG, cause, retry_after_s, message) }
}

fn unauthorized(code: &'static str, cause: Cause, message: impl Into<Cow<'static, str>>) -> Entry {
    Entry::new(StatusCode::UNAUTHORIZED, code, Level::DEBUG, cause, message)
}

fn bad_request(code: &'static str, cause: Cause, message: impl Into<Cow<'static, str>>) -> Entry {
    Entry::new(StatusCode::BAD_REQUEST, code, Level::DEBUG, cause, message)
}

/// What a malformed credential is answered with. AgentPing's pages disagree (401 or 400); its list of errors says 401.
const MALFORMED_CREDENTIAL: StatusCode = StatusCode::UNAUTHORIZED;

impl Problem {
    /// Its line of the table.
    pub fn entry(&self) -> Entry {
        match self {
            Problem::Refusal(refusal) => refusal_entry(refusal),
            Problem::Fault(fault) => fault_entry(fault),
            Problem::NotFound => Entry::new(
                StatusCode::NOT_FOUND,
                "not_found",
                Level::DEBUG,
                Cause::NotFound,
                "There is no such route. GET /openapi.json lists the routes there are.",
            ),
            Problem::MethodNotAllowed { allow } => Entry::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                Level::DEBUG,
                Cause::MethodNotAllowed,
                format!("This route takes {allow} only."),
            ),
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
            Problem::BodyBroken => bad_request("invalid_json", Cause::BodyBroken, "The body ended too early."),
            Problem::Encoding { encoding } => Entry::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_encoding",
                Level::DEBUG,
                Cause::Encoding,
                format!("Content-Encoding '{encoding}' is not supported: send gzip, or none."),
            ),
            Problem::TooManyInFlight => overloaded(
                Cause::TooManyInFlight,
                Overload { cause: Cause::TooManyInFlight.label(), class: None },
                1,
                "Too many requests are under way. Send the same again.",
            ),
            Problem::TooManyBytes => overloaded(
                Cause::TooManyBytes,
                Overload { cause: Cause::TooManyBytes.label(), class: None },
                1,
                "Too many bytes of request bodies are under way. Send the same again.",
            ),
            Problem::Panicked => Entry::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                Level::ERROR,
                Cause::Panicked,
                "Something went wrong on our side. Send the same again.",
            ),
        }
    }
}

fn refusal_entry(refusal: &Refusal) -> Entry {
    match refusal {
        Refusal::CredentialMissing => unauthorized(
            "invalid_credential",
            Cause::CredentialMissing,
            "No credential was sent. Send one as 'Authorization: Bearer <credential>' or 'X-AgentPing-Key'.",
        ),
        Refusal::CredentialMalformed => Entry::new(
            MALFORMED_CREDENTIAL,
            "invalid_credential",
            Level::DEBUG,
            Cause::CredentialMalformed,
            "The credential has neither the form apk_<region>_<32 hex> nor ping_<region>_<32 hex>.",
        ),
        Refusal::CredentialRegionUnknown { region } => bad_request(
            "unknown_region",
            Cause::CredentialRegionUnknown,
            format!("The credential names region '{region}', which is not one of 'eu', 'us'."),
        ),
        Refusal::RegionMismatch { credential, endpoint } => unauthorized(
            "region_mismatch",
            Cause::RegionMismatch,
            format!(
                "Credential region '{credential}' does not match endpoint region '{endpoint}'. Send this request to \
                 https://{endpoint}.ingest.agentping.io/v1/... from the {credential} region, or use an {endpoint} \
                 credential."
            ),
        ),
        Refusal::CredentialUnknown => unauthorized(
            "invalid_credential",
            Cause::CredentialUnknown,
            "The credential is not known, was revoked, or has expired.",
        ),
        Refusal::CredentialUnavailable { retry_after_s } => unavailable(
            Level::WARN,
            Cause::CredentialUnavailable,
            *retry_after_s,
            "The credential cannot be looked up for now. Send the same again.",
        ),
        Refusal::ScopeHeartbeatsOnly => unauthorized(
            "scope_violation",
            Cause::ScopeHeartbeatsOnly,
            "A ping token may only fire heartbeats. Use a team API key for runs.",
        ),
        Refusal::ScopeAgent { own, asked } => unauthorized(
            "scope_violation",
            Cause::ScopeAgent,
            format!("This ping token is scoped to agent '{own}'. You attempted to fire a heartbeat for '{asked}'."),
        ),
        Refusal::Rate { sustained_per_s, retry_after_s } => Entry::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limit",
            Level::DEBUG,
            Cause::Rate,
            format!(
                "Team rate limit exceeded: {sustained_per_s} req/sec sustained. Retry in {} seconds.",
                (*retry_after_s).max(1)
            ),
        )
        .retry_after(*retry_after_s),
        Refusal::Quota { resets_at, retry_after_s } => Entry::new(
            StatusCode::TOO_MANY_REQUESTS,
            "quota_exceeded",
            Level::DEBUG,
            Cause::Quota,
            format!("Monthly event cap exceeded. Resets at {}.", whole_seconds(*resets_at)),
        )
        .retry_after(*retry_after_s),
        Refusal::AgentCap { cap, slug } => bad_request(
            "agent_limit",
            Cause::AgentCap,
            format!(
                "Agent '{slug}' would be one more than the {cap} that this plan allows. Existing agents keep working."
            ),
        )
        .field("agent"),
        Refusal::StartConflict { run, stored_agent, stored_started_at, field } => {
            let (name, supplied) = match field {
                StartField::Agent { supplied } => ("agent", format!("agent '{supplied}'")),
                StartField::StartedAt { supplied } => ("started_at", format!("started_at {supplied}")),
            };
            Entry::new(
                StatusCode::CONFLICT,
                "id_conflict",
                Level::DEBUG,
                Cause::StartConflict,
                format!(
                    "Run '{run}' exists with agent '{stored_agent}', started_at {stored_started_at}. Supplied \
                     {supplied} does not match."
                ),
            )
            .field(name)
        }
        Refusal::EventConflict { index } => {
            let field = format!("events[{index}].external_id");
            Entry::new(
                StatusCode::CONFLICT,
                "id_conflict",
                Level::DEBUG,
                Cause::EventConflict,
                format!("Field '{field}' is the id of an event stored with other content or under another run."),
            )
            .field(field)
        }
        Refusal::Shed { class, cause, retry_after_s } => overloaded(
            Cause::Shed,
            Overload { cause: cause.label(), class: Some(class.label()) },
            *retry_after_s,
            shed_message(*class, *cause),
        ),
        Refusal::Undecided { retry_after_s } => unavailable(
            Level::DEBUG,
            Cause::Undecided,
            *retry_after_s,
            "Another request with this id is still under way. Send the same again.",
        ),
        Refusal::StoreUnavailable { retry_after_s } => unavailable(
            Level::WARN,
            Cause::StoreUnavailable,
            *retry_after_s,
            "What is stored under this id cannot be read for now. Send the same again.",
        ),
        Refusal::LogUnavailable { retry_after_s } => unavailable(
            Level::WARN,
            Cause::LogUnavailable,
            *retry_after_s,
            "Nothing can be taken in for now. Send the same again.",
        ),
        Refusal::OutcomeUnknown { retry_after_s } => unavailable(
            Level::WARN,
            Cause::OutcomeUnknown,
            *retry_after_s,
            "Whether this was taken in is not known. Send the same again: nothing is counted twice.",
        ),
        Refusal::RecordTooLarge { bytes, cap } => Entry::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "payload_too_large",
            Level::DEBUG,
            Cause::RecordTooLarge,
            format!("The request makes a record of {bytes} bytes; at most {cap} are taken. Send less at once."),
        ),
    }
}

fn fault_entry(fault: &Fault) -> Entry {
    let (code, cause) = match fault {
        Fault::NotJson { .. } => ("invalid_json", Cause::NotJson),
        Fault::Twice { .. } => ("invalid_json", Cause::Twice),
        Fault::UnknownMember { .. } => ("unknown_field", Cause::UnknownMember),
        Fault::Missing { .. } => ("missing_field", Cause::Missing),
        Fault::Malformed { .. } => ("invalid_field", Cause::Malformed),
        Fault::IdPattern { .. } => ("invalid_id", Cause::IdPattern),
        Fault::IdRegion { .. } => ("invalid_id", Cause::IdRegion),
        Fault::IdRegionUnknown { .. } => ("unknown_region", Cause::IdRegionUnknown),
        Fault::TooManyEvents { .. } => ("batch_too_large", Cause::TooManyEvents),
    };
    let entry = bad_request(code, cause, fault.to_string());
    match fault.field() {
        Some(field) => entry.field(field),
        None => entry,
    }
}

/// The quota message has no milliseconds (AgentPing: month).
fn whole_seconds(instant: Timestamp) -> String {
    let text = instant.to_string();
    text.strip_suffix(".000Z").map_or(text.clone(), |seconds| format!("{seconds}Z"))
}

#[cfg(test)]
mod tests;
