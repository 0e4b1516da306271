//! The table: one entry for each refusal.

use http::StatusCode;
use tidegate_door::Entry;
use tidegate_door::body::BodyError;
use tracing::Level;

use super::{Cause, Why, WorkerFault};
use crate::parse::{FieldErrors, FieldFault};

pub(super) const INVALID_REQUEST: &str = "INVALID_REQUEST";
/// How long to wait where nothing says how long it takes.
const SOON_S: u64 = 1;
const CONCURRENT_RETRY_S: u64 = 30;
/// The level of what is the caller's doing.
const QUIET: Level = Level::DEBUG;

fn unauthorized(code: &'static str, cause: Cause, message: &'static str) -> Entry<Cause> {
    Entry::unauthorized(code, cause, message).challenge()
}

fn forbidden(code: &'static str, cause: Cause, message: impl Into<std::borrow::Cow<'static, str>>) -> Entry<Cause> {
    Entry::new(StatusCode::FORBIDDEN, code, QUIET, cause, message)
}

fn not_found(code: &'static str, cause: Cause, message: &'static str) -> Entry<Cause> {
    Entry::new(StatusCode::NOT_FOUND, code, QUIET, cause, message)
}

fn payment(code: &'static str, cause: Cause, message: &'static str) -> Entry<Cause> {
    Entry::new(StatusCode::PAYMENT_REQUIRED, code, QUIET, cause, message)
}

fn unavailable(level: Level, cause: Cause, retry_after_s: u64, message: &'static str) -> Entry<Cause> {
    Entry::new(StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE", level, cause, message).retry_after(retry_after_s)
}

fn internal(cause: Cause) -> Entry<Cause> {
    let message = "The server failed. This is not your fault.";
    Entry::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR", Level::ERROR, cause, message)
}

impl Why {
    /// Its entry in the table.
    pub fn entry(&self) -> Entry<Cause> {
        match self {
            Why::KeyMissing => unauthorized(
                "MISSING_API_KEY",
                Cause::KeyMissing,
                "Send a key in the header 'Authorization: Bearer <key>'.",
            ),
            Why::KeyHeaderMalformed => unauthorized(
                "INVALID_API_KEY_FORMAT",
                Cause::KeyHeaderMalformed,
                "The Authorization header must be 'Bearer', a space, and one key.",
            ),
            Why::KeyUnknown => unauthorized("INVALID_API_KEY", Cause::KeyUnknown, "This key is not valid."),
            Why::KeyRevoked => unauthorized("EXPIRED_API_KEY", Cause::KeyRevoked, "This key was revoked."),
            Why::OrganizationSuspended => {
                forbidden("ORGANIZATION_SUSPENDED", Cause::OrganizationSuspended, "The organization is suspended.")
            }
            Why::ScopeLacking { required, .. } => forbidden(
                "INSUFFICIENT_PERMISSIONS",
                Cause::ScopeLacking,
                format!("This needs a key with the scope '{}'.", required.as_str()),
            ),
            Why::NoScopes { required } => forbidden(
                "SCOPE_REQUIRED",
                Cause::NoScopes,
                format!("This needs a key with the scope '{}', and this key has no scopes.", required.as_str()),
            ),
            Why::TemplateBuiltIn { .. } => forbidden(
                "INSUFFICIENT_PERMISSIONS",
                Cause::TemplateBuiltIn,
                "A built-in template cannot be changed or deleted.",
            ),
            Why::Body(error) => Entry::bad_request(INVALID_REQUEST, Cause::Body, body_text(error)),
            Why::ContentType => Entry::bad_request(INVALID_REQUEST, Cause::ContentType, CONTENT_TYPE),
            Why::Json(fault) => Entry::bad_request(INVALID_REQUEST, Cause::Json, fault.to_string()),
            Why::Fields(errors) => Entry::bad_request(code_of(errors), Cause::Fields, fields_text(errors)),
            Why::IdempotencyKeyMalformed => Entry::bad_request(
                INVALID_REQUEST,
                Cause::IdempotencyKeyMalformed,
                "Idempotency-Key must be sent once, as 1 to 255 visible ASCII characters.",
            ),
            Why::IdempotencyKeyReused => Entry::bad_request(
                INVALID_REQUEST,
                Cause::IdempotencyKeyReused,
                "This Idempotency-Key was used with another body.",
            ),
            Why::RunEnded { status, .. } => Entry::bad_request(
                INVALID_REQUEST,
                Cause::RunEnded,
                format!("The run is {} and cannot be cancelled.", status.as_str()),
            ),
            Why::TooManyKept { what, limit } => Entry::bad_request(
                INVALID_REQUEST,
                Cause::TooManyKept,
                format!("An organization has at most {limit} {what}. Delete one first."),
            ),
            Why::InsufficientCredits { .. } => payment(
                "INSUFFICIENT_CREDITS",
                Cause::InsufficientCredits,
                "The estimated cost exceeds the available credits.",
            ),
            Why::Billing { .. } => {
                payment("BILLING_ERROR", Cause::Billing, "The organization's billing is not set up to pay for runs.")
            }
            Why::PathUnknown { .. } => {
                not_found("RESOURCE_NOT_FOUND", Cause::PathUnknown, "There is nothing at this path for this method.")
            }
            Why::RunUnknown { .. } => not_found("RUN_NOT_FOUND", Cause::RunUnknown, "There is no such run."),
            Why::WorkOrderUnknown { .. } => {
                not_found("WORK_ORDER_NOT_FOUND", Cause::WorkOrderUnknown, "There is no such work order.")
            }
            Why::WebhookUnknown { .. } => {
                not_found("WEBHOOK_NOT_FOUND", Cause::WebhookUnknown, "There is no such webhook.")
            }
            Why::TemplateUnknown { .. } => {
                not_found("TEMPLATE_NOT_FOUND", Cause::TemplateUnknown, "There is no such template.")
            }
            Why::RateLimited { limit, retry_after_s, .. } => Entry::new(
                StatusCode::TOO_MANY_REQUESTS,
                "RATE_LIMITED",
                QUIET,
                Cause::RateLimited,
                format!("At most {limit} such requests a minute. Retry in {retry_after_s} seconds."),
            )
            .retry_after(*retry_after_s),
            Why::ConcurrentLimit { limit, .. } => Entry::new(
                StatusCode::TOO_MANY_REQUESTS,
                "CONCURRENT_LIMIT",
                QUIET,
                Cause::ConcurrentLimit,
                format!("At most {limit} runs at a time. Wait for one to end, or cancel one."),
            )
            .retry_after(CONCURRENT_RETRY_S),
            Why::Shed { retry_after_s } => {
                unavailable(QUIET, Cause::Shed, *retry_after_s, "Too much is waiting. Retry later.")
            }
            Why::LogRefused { retry_after_s } => unavailable(
                Level::WARN,
                Cause::LogRefused,
                *retry_after_s,
                "Nothing can be taken in right now. Retry later.",
            ),
            Why::StoreUnavailable { cause, retry_after_s } => unavailable(
                Level::WARN,
                Cause::StoreUnavailable,
                *retry_after_s,
                "The data cannot be read right now. Retry later.",
            )
            .detail(cause.clone()),
            Why::LimitsUnavailable { cause } => unavailable(
                Level::WARN,
                Cause::LimitsUnavailable,
                SOON_S,
                "Requests cannot be counted right now. Retry later.",
            )
            .detail(cause.clone()),
            Why::TooManyInFlight => {
                unavailable(QUIET, Cause::TooManyInFlight, SOON_S, "Too many requests are under way. Retry later.")
            }
            Why::TooManyBytes => unavailable(
                QUIET,
                Cause::TooManyBytes,
                SOON_S,
                "Too many bytes of requests are under way. Retry later.",
            ),
            Why::TooManyAnswers => {
                unavailable(QUIET, Cause::TooManyAnswers, SOON_S, "Too many answers are under way. Retry later.")
            }
            Why::Contended => {
                unavailable(QUIET, Cause::Contended, SOON_S, "Others change the same right now. Retry later.")
            }
            Why::Undecided => Entry::new(
                StatusCode::GATEWAY_TIMEOUT,
                "TIMEOUT",
                Level::WARN,
                Cause::Undecided,
                "The request ran out of time and may still be carried out. Retry with the same Idempotency-Key.",
            ),
            Why::Expired => {
                unavailable(Level::WARN, Cause::Expired, SOON_S, "The request came too late to be carried out. Retry.")
            }
            Why::Defect { cause } => internal(Cause::Defect).detail(cause.clone()),
            Why::Panicked => internal(Cause::Panicked),
            Why::WorkerKeyInvalid => unauthorized(
                "INVALID_WORKER_KEY",
                Cause::WorkerKeyInvalid,
                "Send a worker's key in the header 'Authorization: Bearer <key>'. This one is not valid.",
            ),
            Why::WorkerBody(fault) => Entry::bad_request(INVALID_REQUEST, Cause::WorkerBody, worker_text(fault)),
            Why::WorkerRunUnknown { .. } => {
                not_found("RUN_NOT_FOUND", Cause::WorkerRunUnknown, "There is no such run for this worker.")
            }
            Why::TokenStale { .. } => Entry::new(
                StatusCode::CONFLICT,
                "STALE_TOKEN",
                QUIET,
                Cause::TokenStale,
                "This lease is over: the run has ended, or was leased again.",
            ),
        }
    }
}

/// One error has the code of its kind; several have the general one.
fn code_of(errors: &FieldErrors) -> &'static str {
    match errors.only_fault() {
        Some(FieldFault::Missing) => "MISSING_FIELD",
        Some(FieldFault::Format) => "INVALID_FORMAT",
        Some(FieldFault::Value) => "INVALID_VALUE",
        None => INVALID_REQUEST,
    }
}

const CONTENT_TYPE: &str = "Send the body as 'Content-Type: application/json'.";

fn fields_text(errors: &FieldErrors) -> String {
    match errors.all() {
        [only] => format!("'{}' {}.", only.field, only.message),
        errors => format!("{} fields are wrong; see details.errors.", errors.len()),
    }
}

fn worker_text(fault: &WorkerFault) -> String {
    match fault {
        WorkerFault::Body(error) => body_text(error),
        WorkerFault::ContentType => CONTENT_TYPE.to_owned(),
        WorkerFault::Json(fault) => fault.to_string(),
        WorkerFault::Fields(errors) => fields_text(errors),
    }
}

fn body_text(error: &BodyError) -> String {
    match error {
        BodyError::TooLarge { max_bytes } => format!("The body is larger than {max_bytes} bytes."),
        BodyError::Encoding { encoding } => format!("Content-Encoding '{encoding}' is not supported."),
        BodyError::Timeout => "The body did not arrive in time.".to_owned(),
        BodyError::NotGzip => "The body is not readable gzip.".to_owned(),
        // Over budget has an entry of its own.
        BodyError::Broken | BodyError::OverBudget => "The body did not arrive whole.".to_owned(),
    }
}
