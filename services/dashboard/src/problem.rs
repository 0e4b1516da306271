//! Why a page is refused, and the one table from that to its status and text. A refusal of a page is a page.

mod cause;

use http::header::ALLOW;
use http::{HeaderMap, StatusCode};
use tidegate_admission::Refusal;
use tidegate_agentping::credential::refused;
use tidegate_control::store_answer::Unanswered;
use tracing::Level;

pub(crate) use cause::Cause;

/// One line of the table.
pub(crate) type Entry = tidegate_door::Entry<Cause>;

/// The log level of refusals that the visitor caused.
const QUIET: Level = Level::DEBUG;

#[derive(Debug)]
pub(crate) enum Problem {
    /// There is no session, or it is over.
    NoSession,
    /// The key that was pasted is refused: the form says why.
    KeyRefused(Refusal),
    /// A good ping token: it may report, and see nothing.
    TokenNotKey,
    /// A link that signs in was used before, or was never made.
    LinkSpent,
    /// A form that no page of this session has sent.
    ForeignForm,
    /// A form that did not arrive, or is not one.
    Form(String),
    /// A session that may only read.
    ReadOnly,
    /// What was asked for cannot be done; the text says why.
    Declined(String),
    /// There is no such page, or it is another team's, or there is no such run.
    NotFound,
    /// What a form is about, or names, is not there; the text says what.
    Unknown(String),
    /// What a form or a query asked for was refused, with the page to go back to, and the fields that were filled in.
    OnForm {
        refused: Box<Problem>,
        page: String,
        filled_in: Vec<(String, String)>,
    },
    /// A value in the query is none that the page knows. The text names it.
    Query(String),
    WrongMethod {
        allow: &'static str,
    },
    /// As many pages as may be are in progress, or the team asks as much of the API as it may.
    Busy,
    StoreUnavailable {
        cause: String,
        retry_after_s: u64,
    },
    StoreBroken {
        cause: String,
    },
    Defect {
        cause: String,
    },
    Panicked,
}

impl Problem {
    /// Its line of the table.
    pub fn entry(&self) -> Entry {
        match self {
            Problem::NoSession => {
                Entry::new(StatusCode::SEE_OTHER, "sign_in", QUIET, Cause::NoSession, "Sign in to see this page.")
            }
            Problem::KeyRefused(refusal) => of_key(refusal),
            Problem::TokenNotKey => Entry::unauthorized(
                refused::SCOPE_VIOLATION,
                Cause::TokenNotKey,
                "This is a ping token: it may only report. Sign in with one of the team's API keys, which begin with apk_.",
            ),
            Problem::LinkSpent => Entry::unauthorized(
                "link_spent",
                Cause::LinkSpent,
                "This link has been used, or the process that made it has ended. Sign in with an API key.",
            ),
            Problem::ForeignForm => Entry::new(
                StatusCode::FORBIDDEN,
                "foreign_form",
                QUIET,
                Cause::ForeignForm,
                "This form was not sent by a page of your session. Load the page again, and send it from there.",
            ),
            Problem::Form(fault) => {
                Entry::bad_request("invalid_form", Cause::Form, format!("The form cannot be read: {fault}."))
            }
            Problem::ReadOnly => Entry::new(
                StatusCode::FORBIDDEN,
                "read_only",
                QUIET,
                Cause::ReadOnly,
                "Your key may only read. Sign in with a key of full access to change something.",
            ),
            Problem::Declined(why) => Entry::new(
                StatusCode::CONFLICT,
                "declined",
                QUIET,
                Cause::Declined,
                format!("That is not possible: {}", why.trim_end_matches('.')) + ".",
            ),
            Problem::NotFound => Entry::new(
                StatusCode::NOT_FOUND,
                "not_found",
                QUIET,
                Cause::NotFound,
                "There is nothing here: the address is not right, or what it names is gone, or is another team's.",
            ),
            Problem::Unknown(what) => {
                Entry::new(StatusCode::NOT_FOUND, "not_found", QUIET, Cause::NotFound, what.clone())
            }
            Problem::OnForm { refused, .. } => refused.entry(),
            Problem::Query(fault) => Entry::bad_request("invalid_query", Cause::Query, fault.clone()),
            Problem::WrongMethod { allow } => Entry::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                QUIET,
                Cause::WrongMethod,
                format!("This page knows {allow} only."),
            )
            .header(ALLOW, allow),
            Problem::Busy => {
                let message = "Too many pages, or changes of your team, are in progress. Try again in a second.";
                Entry::unavailable(QUIET, Cause::Busy, 1, message)
            }
            Problem::StoreUnavailable { cause, retry_after_s } => Entry::unavailable(
                Level::WARN,
                Cause::StoreUnavailable,
                *retry_after_s,
                format!("The data cannot be read right now. Try again in {retry_after_s} seconds."),
            )
            .detail(cause),
            Problem::StoreBroken { cause } => failed(Cause::StoreBroken).detail(cause),
            Problem::Defect { cause } => failed(Cause::Defect).detail(cause),
            Problem::Panicked => failed(Cause::Panicked),
        }
    }

    /// Whether the answer is the form to sign in, with the text of the refusal.
    pub const fn shows_form(&self) -> bool {
        matches!(self, Problem::KeyRefused(_) | Problem::TokenNotKey | Problem::LinkSpent)
    }
}

fn failed(cause: Cause) -> Entry {
    Entry::internal(cause, "The server failed. This is not your fault.")
}

fn of_key(refusal: &Refusal) -> Entry {
    let refuse = |message: String| Entry::unauthorized(refused::INVALID, Cause::KeyRefused, message);
    match refusal {
        Refusal::CredentialMissing => refuse("Paste an API key.".to_owned()),
        Refusal::CredentialMalformed { .. } => {
            refuse("This is not an API key: one has the form apk_<region>_<32 hex digits>.".to_owned())
        }
        Refusal::CredentialUnknown => refuse("This key is unknown, or was revoked.".to_owned()),
        Refusal::CredentialRegionUnknown { .. } => refuse("This key names a region that does not exist.".to_owned()),
        Refusal::RegionMismatch { credential, endpoint } => {
            refuse(format!("This key is of region '{credential}', and this is the dashboard of region '{endpoint}'."))
        }
        Refusal::CredentialUnavailable { retry_after_s } => Entry::unavailable(
            Level::WARN,
            Cause::StoreUnavailable,
            *retry_after_s,
            format!("Keys cannot be looked up right now. Try again in {retry_after_s} seconds."),
        ),
        // Authentication gives none of the others.
        other => failed(Cause::Defect).detail(format!("authentication answered with {other:?}")),
    }
}

impl Problem {
    /// The same with the page that the form was on and what was filled in, for those that another try may not have.
    /// `None`: the page is not known.
    pub fn on_form(self, page: Option<String>, filled_in: Vec<(String, String)>) -> Self {
        match (self, page) {
            (
                refused @ (Problem::Declined(_)
                | Problem::Unknown(_)
                | Problem::Busy
                | Problem::StoreUnavailable { .. }),
                Some(page),
            ) => Problem::OnForm { refused: Box::new(refused), page, filled_in },
            (refused, _) => refused,
        }
    }

    /// The same with the page that has no such query, where the query is what was refused.
    pub fn on_query(self, page: String) -> Self {
        match self {
            refused @ (Problem::Query(_) | Problem::Declined(_)) => {
                Problem::OnForm { refused: Box::new(refused), page, filled_in: Vec::new() }
            }
            refused => refused,
        }
    }

    /// A key that ended, or an answer that says nothing of it, on a request with a session.
    pub fn of_session(refusal: Refusal) -> Self {
        match refusal {
            Refusal::CredentialUnavailable { retry_after_s } => {
                Problem::StoreUnavailable { cause: "the session's key cannot be looked up".to_owned(), retry_after_s }
            }
            _ => Problem::NoSession,
        }
    }

    /// A request that another site has sent, as the browser says it. Other clients say nothing.
    pub fn of_foreign(headers: &HeaderMap) -> Result<(), Self> {
        let site = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
        match site {
            Some("cross-site" | "same-site") => Err(Problem::ForeignForm),
            _ => Ok(()),
        }
    }
}

impl From<Unanswered> for Problem {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::Broken { cause } => Problem::StoreBroken { cause },
            Unanswered::Unavailable { cause, retry_after_s } => Problem::StoreUnavailable { cause, retry_after_s },
        }
    }
}

impl From<serde_json::Error> for Problem {
    fn from(error: serde_json::Error) -> Self {
        Problem::Defect { cause: error.to_string() }
    }
}
