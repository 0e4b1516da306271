//! Why a read is refused, and the one table of what the client gets for it.

mod body;
mod cause;
mod credential;
mod managed;

use std::fmt::Display;

use http::{Method, StatusCode};
use tidegate_admission::Refusal;
use tidegate_agentping::credential::refused;
use tidegate_agentping::{IdError, ReceiptError, RunId, Slug};
use tidegate_agentping_settings::MailQuestionLimit;
use tidegate_agentping_settings::configuration::ConfigFault;
use tidegate_door::body::BodyError;
use tidegate_door::query::TextFault;
use tidegate_door::{LikelyCall, WrongMethod, with_likely_call};
use tracing::Level;

pub use cause::Cause;

use body::body_entry;
use credential::credential_entry;
use managed::managed_entry;

/// One line of the table.
pub type Entry = tidegate_door::Entry<Cause>;

const NOT_FOUND: StatusCode = StatusCode::NOT_FOUND;
/// The log level of refusals that the caller caused.
const QUIET: Level = Level::DEBUG;
/// How much of what a client sent is shown back to it.
const SHOWN_CHARS: usize = 64;

/// Why a read is refused.
#[derive(Debug)]
pub(crate) enum Problem {
    /// The credential was refused.
    Refused(Refusal),
    /// A good ping token: it may report heartbeats and read nothing.
    TokenMayNotRead,
    /// The path's run id has the form of no run id.
    RunIdMalformed(IdError),
    /// The team has no such run. Whether another team has one makes no difference.
    RunUnknown(RunId),
    /// The path's receipt was never given out so.
    ReceiptMalformed(ReceiptError),
    /// The team has no such receipt, or the log no such record. Whether another team has one makes no difference.
    ReceiptUnknown,
    /// What became of its record may be forgotten.
    ReceiptTooOld,
    /// Its record was settled before there were accounts.
    ReceiptFromBefore,
    /// Records of its partition are missing, and it may be one of them.
    ReceiptUncertain,
    ParameterUnknown {
        name: String,
        known: &'static [&'static str],
    },
    ParameterRepeated {
        name: &'static str,
    },
    /// Its percent-encoding is not UTF-8.
    ParameterNoText {
        name: &'static str,
        fault: TextFault,
    },
    /// `must` completes "Parameter 'x' must ...".
    ParameterInvalid {
        name: &'static str,
        value: String,
        must: String,
    },
    /// The body did not arrive.
    Body(BodyError),
    /// What arrived is no JSON. The text completes "The body ".
    NotJson(String),
    /// A member of the body is wrong. The text completes "Field 'x' ", or "The body " where no member is to blame.
    MemberInvalid {
        field: Option<String>,
        fault: String,
        is_unknown: bool,
    },
    /// A key that may only read asks for a change.
    KeyReadsOnly,
    /// The team's bucket of the management API is empty.
    RateLimited {
        retry_after_s: u64,
    },
    /// The team's bucket of guard's checks is empty.
    GuardRateLimited {
        retry_after_s: u64,
    },
    /// A mail address may not be asked for its confirmation now. `address` is masked.
    MailLimited {
        address: String,
        limit: MailQuestionLimit,
    },
    /// The change's `If-Match` names another state of the object, or there is no object.
    Stale,
    /// The team has no such thing. Whether another team has one makes no difference.
    Unknown {
        what: &'static str,
        name: String,
    },
    /// The name belongs to another one of the team's.
    NameTaken {
        what: &'static str,
        name: String,
    },
    /// The team has an agent with this slug.
    AgentExists(Slug),
    /// The team has as many agents as its plan allows.
    AgentCap {
        cap: u32,
        slug: String,
    },
    /// The team's plan does not have it. `what` begins the sentence.
    PlanRequired {
        field: &'static str,
        what: String,
        plan: &'static str,
    },
    /// A rotation was asked for of what is revoked or has expired.
    Ended {
        what: &'static str,
        name: String,
    },
    /// A file of settings has these faults.
    ConfigInvalid(Vec<ConfigFault>),
    /// Other changes were written in between, time and again.
    TooManyChanges,
    RouteUnknown {
        path: String,
        likely: Option<LikelyCall>,
    },
    MethodNotAllowed {
        method: Method,
        /// The methods that the route has.
        allow: &'static str,
        why: WrongMethod,
    },
    /// The answers in progress take all the memory that there is for them.
    TooManyAnswers {
        retry_after_s: u64,
    },
    /// Out of reach, or no answer in time.
    StoreUnavailable {
        cause: String,
        retry_after_s: u64,
    },
    /// Retrying does not help.
    StoreBroken {
        cause: String,
    },
    /// A defect of ours.
    Defect {
        cause: String,
    },
    /// A defect of ours that ended its handler.
    Panicked,
}

impl Problem {
    /// Its line of the table.
    pub fn entry(&self) -> Entry {
        match self {
            Problem::Refused(refusal) => credential_entry(refusal),
            Problem::TokenMayNotRead => Entry::unauthorized(
                refused::SCOPE_VIOLATION,
                Cause::ScopeHeartbeatsOnly,
                "This is a ping token: it may only fire heartbeats. Read with one of the team's API keys.",
            )
            .challenge(),
            Problem::RunIdMalformed(error) => malformed_id("id", matches!(error, IdError::UnknownRegion { .. }), error),
            Problem::RunUnknown(id) => {
                Entry::new(NOT_FOUND, "not_found", QUIET, Cause::RunUnknown, format!("There is no run '{id}'."))
            }
            Problem::ReceiptMalformed(error) => {
                malformed_id("receipt", matches!(error, ReceiptError::UnknownRegion { .. }), error)
            }
            Problem::ReceiptUnknown => Entry::new(
                NOT_FOUND,
                "not_found",
                QUIET,
                Cause::ReceiptUnknown,
                "There is no record of this team with this receipt.",
            ),
            Problem::ReceiptTooOld => gone(
                Cause::ReceiptTooOld,
                "This receipt is older than 30 days: what became of its record is not kept longer. Look for its run.",
            ),
            Problem::ReceiptFromBefore => {
                gone(Cause::ReceiptFromBefore, "What became of records of that time was not kept. Look for its run.")
            }
            Problem::ReceiptUncertain => gone(
                Cause::ReceiptUncertain,
                "Records around this one are missing, so what became of it cannot be known for certain. Look for its run.",
            ),
            Problem::ParameterUnknown { name, known } => {
                let name = shown(name);
                let takes = if known.is_empty() {
                    "This endpoint takes none.".to_owned()
                } else {
                    format!("This endpoint takes: {}.", known.join(", "))
                };
                let message = format!("Unknown query parameter '{name}'. {takes}");
                Entry::bad_request("unknown_field", Cause::ParameterUnknown, message).field(name)
            }
            Problem::ParameterRepeated { name } => {
                let message = format!("Parameter '{name}' is given twice. Send it once.");
                Entry::bad_request("invalid_field", Cause::ParameterTwice, message).field(*name)
            }
            Problem::ParameterNoText { name, fault } => {
                let message = format!("Parameter '{name}' {fault}.");
                Entry::bad_request("invalid_field", Cause::ParameterMalformed, message).field(*name)
            }
            Problem::ParameterInvalid { name, value, must } => {
                let message = format!("Parameter '{name}' must {must}; it is '{}'.", shown(value));
                Entry::bad_request("invalid_field", Cause::ParameterMalformed, message).field(*name)
            }
            Problem::Body(error) => body_entry(error),
            Problem::NotJson(fault) => Entry::bad_request("invalid_json", Cause::NotJson, format!("The body {fault}.")),
            Problem::MemberInvalid { field, fault, is_unknown } => {
                let (code, cause) = match is_unknown {
                    true => ("unknown_field", Cause::UnknownMember),
                    false => ("invalid_field", Cause::Malformed),
                };
                match field.as_deref().map(shown) {
                    Some(field) => Entry::bad_request(code, cause, format!("Field '{field}' {fault}.")).field(field),
                    None => Entry::bad_request(code, cause, format!("The body {fault}.")),
                }
            }
            Problem::KeyReadsOnly => Entry::new(
                StatusCode::FORBIDDEN,
                "read_only",
                QUIET,
                Cause::KeyReadsOnly,
                "This key may only read. Make changes with a key of full access.",
            ),
            Problem::RateLimited { .. }
            | Problem::GuardRateLimited { .. }
            | Problem::MailLimited { .. }
            | Problem::Stale
            | Problem::Unknown { .. }
            | Problem::NameTaken { .. }
            | Problem::AgentExists(_)
            | Problem::AgentCap { .. }
            | Problem::PlanRequired { .. }
            | Problem::Ended { .. }
            | Problem::ConfigInvalid(_)
            | Problem::TooManyChanges => managed_entry(self),
            Problem::RouteUnknown { path, likely } => {
                let message = format!("There is nothing at '{}'. See /openapi.json.", shown(path));
                let message = with_likely_call(message, likely.as_ref());
                Entry::new(NOT_FOUND, "not_found", QUIET, Cause::NotFound, message)
            }
            // The router says which methods there are, in `Allow`.
            Problem::MethodNotAllowed { method, allow, why } => Entry::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                QUIET,
                Cause::MethodNotAllowed,
                why.after(format!("'{}' is not allowed here: use {allow}.", shown(method.as_str()))),
            ),
            Problem::TooManyAnswers { retry_after_s } => Entry::unavailable(
                QUIET,
                Cause::TooManyAnswers,
                *retry_after_s,
                format!("Too many answers are under way. Retry in {retry_after_s} seconds."),
            ),
            Problem::StoreUnavailable { cause, retry_after_s } => {
                unavailable(Cause::StoreUnavailable, *retry_after_s).detail(cause)
            }
            Problem::StoreBroken { cause } => internal(Cause::StoreBroken).detail(cause),
            Problem::Defect { cause } => internal(Cause::Defect).detail(cause),
            Problem::Panicked => internal(Cause::Panicked),
        }
    }
}

fn malformed_id(field: &'static str, of_no_region: bool, error: &impl Display) -> Entry {
    let (code, cause) = match of_no_region {
        true => (refused::UNKNOWN_REGION, Cause::IdRegionUnknown),
        false => ("invalid_id", Cause::IdPattern),
    };
    Entry::bad_request(code, cause, format!("Field '{field}' {error}.")).field(field)
}

fn gone(cause: Cause, message: &'static str) -> Entry {
    Entry::new(StatusCode::GONE, "gone", QUIET, cause, message)
}

fn unavailable(cause: Cause, retry_after_s: u64) -> Entry {
    let message = format!("The data cannot be read right now. Retry in {retry_after_s} seconds.");
    Entry::unavailable(Level::WARN, cause, retry_after_s, message)
}

fn internal(cause: Cause) -> Entry {
    Entry::internal(cause, "The server failed. This is not your fault.")
}

/// What a client sent, shortened and without control characters.
fn shown(text: &str) -> String {
    let mut chars = text.chars().map(|char| if char.is_control() { '\u{fffd}' } else { char });
    let mut kept: String = chars.by_ref().take(SHOWN_CHARS).collect();
    if chars.next().is_some() {
        kept.push('…');
    }
    kept
}

impl From<serde_json::Error> for Problem {
    fn from(error: serde_json::Error) -> Self {
        Problem::Defect { cause: error.to_string() }
    }
}
