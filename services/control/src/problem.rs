//! Why a read is not answered, and the one table of what a client is told about it.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{ORIGIN, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use serde::Serialize;
use tidegate_admission::Refusal;
use tidegate_agentping::routes::{CONTROL, ROUTES};
use tidegate_agentping::{CredentialMistake, IdError, ReceiptError, RunId};
use tidegate_door::query::TextFault;
use tidegate_door::{LikelyCall, NO_CORS, likely_call};
use utoipa::ToSchema;

/// How much of what a client sent is shown back to it.
const SHOWN_CHARS: usize = 64;

/// A cause.
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
    /// Its record was done with before anybody kept accounts.
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
    /// Its escapes stand for no text.
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
    RouteUnknown {
        path: String,
        likely: Option<LikelyCall>,
    },
    MethodNotAllowed {
        method: Method,
        likely: Option<LikelyCall>,
        /// A browser asks whether a page of another origin may call.
        preflight: bool,
    },
    /// The answers under way take all the memory that there is for them.
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
}

/// What every error says.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    /// A code for programs.
    #[schema(example = "not_found")]
    error: &'static str,
    /// A sentence for people.
    #[schema(example = "There is no run 'run_eu_019e2c4f7a3b7c1d8e5fa0b1c2d3e4f5'.")]
    message: String,
    /// The one parameter to blame, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    field: Option<String>,
}

/// Rides on an answer that is our fault, for the log line. Not sent.
#[derive(Clone)]
pub(crate) struct Fault(pub String);

struct Told {
    status: StatusCode,
    code: &'static str,
    message: String,
    field: Option<String>,
    retry_after_s: Option<u64>,
    fault: Option<String>,
}

impl Told {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Told { status, code, message: message.into(), field: None, retry_after_s: None, fault: None }
    }

    fn about(self, field: impl Into<String>) -> Self {
        Told { field: Some(field.into()), ..self }
    }

    fn unavailable(retry_after_s: u64, cause: String) -> Self {
        let message = format!("The data cannot be read right now. Retry in {retry_after_s} seconds.");
        let told = Told::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message);
        Told { retry_after_s: Some(retry_after_s), fault: Some(cause), ..told }
    }

    fn internal(cause: String) -> Self {
        let told =
            Told::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The server failed. This is not your fault.");
        Told { fault: Some(cause), ..told }
    }
}

impl Problem {
    fn told(&self) -> Told {
        const BAD: StatusCode = StatusCode::BAD_REQUEST;
        match self {
            Problem::Refused(refusal) => refused(refusal),
            Problem::TokenMayNotRead => Told::new(
                StatusCode::UNAUTHORIZED,
                "scope_violation",
                "This is a ping token: it may only fire heartbeats. Read with one of the team's API keys.",
            ),
            Problem::RunIdMalformed(error @ IdError::Pattern { .. }) => {
                Told::new(BAD, "invalid_id", format!("Field 'id' {error}.")).about("id")
            }
            Problem::RunIdMalformed(error @ IdError::UnknownRegion { .. }) => {
                Told::new(BAD, "unknown_region", format!("Field 'id' {error}.")).about("id")
            }
            Problem::RunUnknown(id) => {
                Told::new(StatusCode::NOT_FOUND, "not_found", format!("There is no run '{id}'."))
            }
            Problem::ReceiptMalformed(error) => {
                let code = match error {
                    ReceiptError::UnknownRegion { .. } => "unknown_region",
                    _ => "invalid_id",
                };
                Told::new(BAD, code, format!("Field 'receipt' {error}.")).about("receipt")
            }
            Problem::ReceiptUnknown => {
                Told::new(StatusCode::NOT_FOUND, "not_found", "There is no record of this team with this receipt.")
            }
            Problem::ReceiptTooOld => Told::new(
                StatusCode::GONE,
                "gone",
                "This receipt is older than 30 days: what became of its record is not kept longer. Look for its run.",
            ),
            Problem::ReceiptFromBefore => Told::new(
                StatusCode::GONE,
                "gone",
                "What became of records of that time was not kept. Look for its run.",
            ),
            Problem::ReceiptUncertain => Told::new(
                StatusCode::GONE,
                "gone",
                "Records around this one are missing, so nobody can say for certain what became of it. Look for its run.",
            ),
            Problem::ParameterUnknown { name, known } => {
                let name = shown(name);
                let takes = if known.is_empty() {
                    "This endpoint takes none.".to_owned()
                } else {
                    format!("This endpoint takes: {}.", known.join(", "))
                };
                Told::new(BAD, "unknown_field", format!("Unknown query parameter '{name}'. {takes}")).about(name)
            }
            Problem::ParameterRepeated { name } => {
                Told::new(BAD, "invalid_field", format!("Parameter '{name}' is given twice. Send it once."))
                    .about(*name)
            }
            Problem::ParameterNoText { name, fault } => {
                Told::new(BAD, "invalid_field", format!("Parameter '{name}' {fault}.")).about(*name)
            }
            Problem::ParameterInvalid { name, value, must } => {
                let message = format!("Parameter '{name}' must {must}; it is '{}'.", shown(value));
                Told::new(BAD, "invalid_field", message).about(*name)
            }
            Problem::RouteUnknown { path, likely } => {
                let message = format!("There is nothing at '{}'. See /openapi.json.", shown(path));
                Told::new(StatusCode::NOT_FOUND, "not_found", with_likely_call(message, likely.as_ref()))
            }
            Problem::MethodNotAllowed { method, likely, preflight } => {
                let refused =
                    format!("'{}' is not allowed here: this port only reads. Use GET.", shown(method.as_str()));
                let message = match preflight {
                    true => format!("{refused} {NO_CORS}"),
                    false => with_likely_call(refused, likely.as_ref()),
                };
                Told::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
            }
            Problem::TooManyAnswers { retry_after_s } => Told {
                message: format!("Too many answers are under way. Retry in {retry_after_s} seconds."),
                fault: None,
                ..Told::unavailable(*retry_after_s, String::new())
            },
            Problem::StoreUnavailable { cause, retry_after_s } => Told::unavailable(*retry_after_s, cause.clone()),
            Problem::StoreBroken { cause } => Told::internal(cause.clone()),
        }
    }
}

/// The refusals that authentication gives (AgentPing: authentication, errors).
fn refused(refusal: &Refusal) -> Told {
    let credential = |message: &str| Told::new(StatusCode::UNAUTHORIZED, "invalid_credential", message);
    match refusal {
        Refusal::CredentialMissing => credential(
            "No credential was sent. Send an API key as 'Authorization: Bearer <key>' or as 'X-AgentPing-Key: <key>'.",
        ),
        Refusal::CredentialMalformed { mistake: CredentialMistake::Form } => credential(
            "The credential is malformed. Send an API key of the form apk_<region>_<32 hex> as 'Authorization: Bearer <key>' \
             or as 'X-AgentPing-Key: <key>'.",
        ),
        Refusal::CredentialMalformed { mistake } => credential(&mistake.to_string()),
        Refusal::CredentialUnknown => credential("The credential is unknown or was revoked. Use a valid API key."),
        Refusal::CredentialRegionUnknown { region } => Told::new(
            StatusCode::BAD_REQUEST,
            "unknown_region",
            format!("The credential names region '{region}', which is not one of 'eu', 'us'."),
        ),
        Refusal::RegionMismatch { credential, endpoint } => Told::new(
            StatusCode::UNAUTHORIZED,
            "region_mismatch",
            format!(
                "Credential region '{credential}' does not match endpoint region '{endpoint}'. Ask the '{credential}' \
                 region's endpoint, or use a credential of region '{endpoint}'."
            ),
        ),
        Refusal::CredentialUnavailable { retry_after_s } => {
            Told::unavailable(*retry_after_s, "the credential cannot be looked up".to_owned())
        }
        // Authentication gives none of the others.
        other => Told::internal(format!("authentication answered with {other:?}")),
    }
}

fn with_likely_call(message: String, likely: Option<&LikelyCall>) -> String {
    match likely {
        Some(likely) => format!("{message} {likely}"),
        None => message,
    }
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

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let told = self.told();
        let body = ErrorBody { error: told.code, message: told.message, field: told.field };
        let mut response = (told.status, Json(body)).into_response();
        if let Some(seconds) = told.retry_after_s {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if told.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(fault) = told.fault {
            response.extensions_mut().insert(Fault(fault));
        }
        response
    }
}

impl From<serde_json::Error> for Problem {
    fn from(error: serde_json::Error) -> Self {
        Problem::StoreBroken { cause: error.to_string() }
    }
}

pub(crate) async fn unknown_route(method: Method, uri: Uri) -> Problem {
    let likely = likely_call(ROUTES, CONTROL, &method, uri.path());
    Problem::RouteUnknown { path: uri.path().to_owned(), likely }
}

pub(crate) async fn method_not_allowed(method: Method, uri: Uri, headers: HeaderMap) -> Problem {
    // That GET is allowed here is said anyway.
    let likely = likely_call(ROUTES, CONTROL, &method, uri.path()).filter(|likely| !likely.here);
    let preflight = method == Method::OPTIONS && headers.contains_key(ORIGIN);
    Problem::MethodNotAllowed { method, likely, preflight }
}
