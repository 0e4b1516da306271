//! The rows of what admission refuses.

use http::StatusCode;
use tidegate_admission::{Refusal, StartField};
use tidegate_agentping::credential::refused;
use tracing::Level;

use super::agent_slots::slots_taken;
use super::overload::shed_message;
use super::times::whole_seconds;
use super::{Cause, Entry, Overload};

/// What a malformed credential is answered with. AgentPing's pages disagree (401 or 400); its list of errors says 401.
const MALFORMED_CREDENTIAL: StatusCode = StatusCode::UNAUTHORIZED;

pub(super) fn refusal_entry(refusal: &Refusal) -> Entry {
    match refusal {
        Refusal::CredentialMissing => Entry::unauthorized(
            refused::INVALID,
            Cause::CredentialMissing,
            "No credential was sent. Send one as 'Authorization: Bearer <credential>' or 'X-AgentPing-Key'.",
        ),
        Refusal::CredentialMalformed { mistake } => Entry::new(
            MALFORMED_CREDENTIAL,
            refused::INVALID,
            Level::DEBUG,
            Cause::CredentialMalformed,
            mistake.to_string(),
        ),
        Refusal::CredentialRegionUnknown { region } => Entry::bad_request(
            refused::UNKNOWN_REGION,
            Cause::CredentialRegionUnknown,
            refused::unknown_region(region),
        ),
        Refusal::RegionMismatch { credential, endpoint } => Entry::unauthorized(
            refused::REGION_MISMATCH,
            Cause::RegionMismatch,
            format!(
                "{} Send this request to https://{endpoint}.ingest.agentping.io/v1/... from the {credential} region, \
                 or use an {endpoint} credential.",
                refused::region_mismatch(*credential, *endpoint)
            ),
        ),
        Refusal::CredentialUnknown => Entry::unauthorized(
            refused::INVALID,
            Cause::CredentialUnknown,
            "The credential is not known, was revoked, or has expired.",
        ),
        Refusal::CredentialUnavailable { retry_after_s } => Entry::unavailable(
            Level::WARN,
            Cause::CredentialUnavailable,
            *retry_after_s,
            "The credential cannot be looked up for now. Send the same again.",
        ),
        Refusal::ScopeHeartbeatsOnly => Entry::unauthorized(
            refused::SCOPE_VIOLATION,
            Cause::ScopeHeartbeatsOnly,
            "A ping token may only fire heartbeats. Use a team API key for runs.",
        ),
        Refusal::ScopeAgent { own, asked } => Entry::unauthorized(
            refused::SCOPE_VIOLATION,
            Cause::ScopeAgent,
            format!("This ping token is scoped to agent '{own}'. You attempted to fire a heartbeat for '{asked}'."),
        ),
        Refusal::KeyReadsOnly => Entry::new(
            StatusCode::FORBIDDEN,
            "read_only",
            Level::DEBUG,
            Cause::KeyReadsOnly,
            "This key may only read. Report with a key of full access, or with a ping token.",
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
        Refusal::AgentCap { cap, slug, hints } => Entry::bad_request(
            "agent_limit",
            Cause::AgentCap,
            format!(
                "Agent '{slug}' would be one more than the {cap} that this plan allows. Existing agents keep working.{}",
                slots_taken(hints)
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
        Refusal::Shed { class, cause, retry_after_s } => Entry::overloaded(
            Cause::Shed,
            Overload { cause: cause.label(), class: Some(class.label()) },
            *retry_after_s,
            shed_message(*class, *cause),
        ),
        Refusal::Undecided { retry_after_s } => Entry::unavailable(
            Level::DEBUG,
            Cause::Undecided,
            *retry_after_s,
            "Another request with this id is still under way. Send the same again.",
        ),
        Refusal::StoreUnavailable { retry_after_s } => Entry::unavailable(
            Level::WARN,
            Cause::StoreUnavailable,
            *retry_after_s,
            "What is stored under this id cannot be read for now. Send the same again.",
        ),
        Refusal::LogUnavailable { retry_after_s } => Entry::unavailable(
            Level::WARN,
            Cause::LogUnavailable,
            *retry_after_s,
            "Nothing can be taken in for now. Send the same again.",
        ),
        Refusal::OutcomeUnknown { retry_after_s } => Entry::unavailable(
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
