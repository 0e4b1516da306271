//! Every refusal has its row in the table, and the page says the same.

use std::collections::BTreeSet;

use http::HeaderValue;
use tidegate_agentgate::{RunId, RunStatus, Scope, Scopes};
use tidegate_door::RequestOutcome;
use tidegate_door::body::BodyError;
use tidegate_kernel::Timestamp;

use super::*;
use crate::parse::FieldFault;

const PAGE: &str = include_str!("../../../../docs/agentgate/status-codes.md");

/// The refusal after this one. Walking from the first visits every variant: one added later must be given a place here
/// before this compiles.
fn next(why: &Why) -> Option<Why> {
    let text = str::to_owned;
    let one = |fault| FieldErrors::of("taskPrompt", fault, "is required");
    Some(match why {
        Why::KeyMissing => Why::KeyHeaderMalformed,
        Why::KeyHeaderMalformed => Why::KeyUnknown,
        Why::KeyUnknown => Why::KeyRevoked,
        Why::KeyRevoked => Why::OrganizationSuspended,
        Why::OrganizationSuspended => {
            let available: Scopes = [Scope::RunsRead].into_iter().collect();
            Why::ScopeLacking { required: Scope::WorkOrdersWrite, available }
        }
        Why::ScopeLacking { .. } => Why::NoScopes { required: Scope::WorkOrdersWrite },
        Why::NoScopes { .. } => Why::TemplateBuiltIn { template: text("python-flask") },
        Why::TemplateBuiltIn { .. } => Why::Body(BodyError::TooLarge { max_bytes: 1_048_576 }),
        Why::Body(_) => Why::ContentType,
        Why::ContentType => Why::Json(BodyFault::NotObject),
        Why::Json(_) => Why::Fields(one(FieldFault::Missing)),
        Why::Fields(errors) => match errors.only_fault() {
            Some(FieldFault::Missing) => {
                Why::Fields(FieldErrors::of("webhookUrl", FieldFault::Format, "must be an absolute URL"))
            }
            Some(FieldFault::Format) => {
                Why::Fields(FieldErrors::of("maxIterations", FieldFault::Value, "must be from 1 to 100"))
            }
            Some(FieldFault::Value) => {
                let errors = [one(FieldFault::Missing), one(FieldFault::Missing)];
                let errors = errors.iter().flat_map(|errors| errors.all().to_vec()).collect();
                Why::Fields(FieldErrors::unless_none(errors).unwrap())
            }
            None => Why::IdempotencyKeyMalformed,
        },
        Why::IdempotencyKeyMalformed => Why::IdempotencyKeyReused,
        Why::IdempotencyKeyReused => Why::RunEnded { run: RunId::from_bits(7), status: RunStatus::Succeeded },
        Why::RunEnded { .. } => Why::TooManyKept { what: "webhooks", limit: 100 },
        Why::TooManyKept { .. } => Why::InsufficientCredits { required_cents: 500, available_cents: 100 },
        Why::InsufficientCredits { .. } => Why::Billing { reason: "no_billing_account" },
        Why::Billing { .. } => Why::PathUnknown { path: text("/v1/nothing") },
        Why::PathUnknown { .. } => Why::RunUnknown { run: text("run_x") },
        Why::RunUnknown { .. } => Why::WorkOrderUnknown { work_order: text("wo_x") },
        Why::WorkOrderUnknown { .. } => Why::WebhookUnknown { webhook: text("wh_x") },
        Why::WebhookUnknown { .. } => Why::TemplateUnknown { template: text("x") },
        Why::TemplateUnknown { .. } => {
            Why::RateLimited { limit: 100, reset_at: Timestamp::from_millis(0), retry_after_s: 30 }
        }
        Why::RateLimited { .. } => Why::ConcurrentLimit { limit: 10, current: 10 },
        Why::ConcurrentLimit { .. } => Why::Shed { retry_after_s: 1 },
        Why::Shed { .. } => Why::LogRefused { retry_after_s: 1 },
        Why::LogRefused { .. } => Why::StoreUnavailable { cause: text("no answer"), retry_after_s: 1 },
        Why::StoreUnavailable { .. } => Why::LimitsUnavailable { cause: text("no answer") },
        Why::LimitsUnavailable { .. } => Why::TooManyInFlight,
        Why::TooManyInFlight => Why::TooManyBytes,
        Why::TooManyBytes => Why::TooManyAnswers,
        Why::TooManyAnswers => Why::Contended,
        Why::Contended => Why::Undecided,
        Why::Undecided => Why::Expired,
        Why::Expired => Why::Defect { cause: text("a defect") },
        Why::Defect { .. } => Why::Panicked,
        Why::Panicked => Why::WorkerKeyInvalid,
        Why::WorkerKeyInvalid => Why::WorkerBody(WorkerFault::ContentType),
        Why::WorkerBody(_) => Why::WorkerRunUnknown { run: text("run_x") },
        Why::WorkerRunUnknown { .. } => Why::TokenStale { run: text("run_x") },
        Why::TokenStale { .. } => return None,
    })
}

fn all() -> Vec<Why> {
    std::iter::successors(Some(Why::KeyMissing), next).collect()
}

fn row(why: &Why) -> String {
    let entry = why.entry();
    let retry = match (entry.retryable(), entry.retry_after_s) {
        (_, Some(_)) => "after `Retry-After`",
        (true, None) => "with backoff",
        (false, None) => "no",
    };
    let mut details: Vec<String> = why.details().keys().map(|name| format!("`{name}`")).collect();
    if entry.status.is_server_error() {
        details.push("`requestId`".to_owned());
    }
    format!(
        "| `{}` | {} | {} | `{}` | {retry} | {} | {} | {} |",
        entry.cause.label(),
        entry.cause.outcome().label(),
        entry.status.as_u16(),
        entry.code,
        details.join(", "),
        entry.level.as_str().to_ascii_lowercase(),
        entry.message,
    )
    .replace("|  |", "| |")
}

#[test]
fn the_page_says_what_the_code_does() {
    let in_code: Vec<String> = all().iter().map(row).collect();
    let on_page: Vec<&str> = PAGE.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(on_page.join("\n"), in_code.join("\n"), "the table should read:\n{}\n", in_code.join("\n"));
}

/// The page has a second table, whose rows begin with the status.
#[test]
fn the_page_has_the_requests_that_cannot_be_read() {
    let message = |body: &str| -> Option<(String, String)> {
        let body: Value = serde_json::from_str(body).ok()?;
        let text = |name: &str| body["error"][name].as_str().map(str::to_owned);
        Some((text("code")?, text("message")?))
    };
    for kind in Unreadable::ALL {
        let (status, body) = unreadable(kind);
        let (code, message) = message(&body).expect("it is the envelope");
        let row = format!("| {} | `{}` | `{code}` | {message} |", status.as_u16(), kind.label());
        assert!(PAGE.lines().any(|line| line == row), "the page should have: {row}");
    }
}

#[test]
fn every_cause_has_its_refusals() {
    let mut causes: Vec<Cause> = all().iter().map(|why| why.entry().cause).collect();
    causes.dedup();
    assert_eq!(causes, Cause::ALL);
}

#[test]
fn statuses_and_headers_go_together() {
    for why in all() {
        let entry = why.entry();
        let status = entry.status.as_u16();
        assert_eq!(entry.retry_after_s.is_some(), matches!(status, 429 | 503), "{why:?}");
        assert_eq!(entry.header.is_some(), status == 401, "{why:?}");
        assert!(entry.message.ends_with('.'), "{why:?}");
        let is_ours = status == 500 || entry.cause.outcome() != RequestOutcome::Refused;
        assert_eq!(entry.level <= tracing::Level::WARN, is_ours, "{why:?}");
        let refusal = Refusal::from(why);
        let body: serde_json::Value =
            serde_json::from_str(&envelope(&refusal, &entry, &HeaderValue::from_static("req_1"))).unwrap();
        assert_eq!(body["error"]["code"], entry.code);
        let says_id = body["error"]["details"]["requestId"] == "req_1";
        assert_eq!(says_id, entry.status.is_server_error(), "{body}");
    }
}

/// The 23 codes of the error reference, and two more that only workers get.
#[test]
fn every_code_of_the_reference_is_sent() {
    let codes: BTreeSet<&str> = all().iter().map(|why| why.entry().code).collect();
    assert_eq!(codes.len(), 23 + 2, "{codes:?}");
    for code in ["INVALID_WORKER_KEY", "STALE_TOKEN", "SCOPE_REQUIRED", "BILLING_ERROR", "TIMEOUT"] {
        assert!(codes.contains(code), "{code}");
    }
}
