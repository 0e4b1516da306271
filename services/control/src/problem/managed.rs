//! The part of the table about what teams manage.

use http::StatusCode;
use tidegate_agentping_ports::RegistryError;
use tidegate_agentping_settings::{MailQuestionLimit, MailQuestions, SettingFault};
use tidegate_ports::StoreError;

use crate::configuration::faults_text;

use super::{Cause, Entry, Problem, QUIET, internal, shown};

/// Seconds after which other changes are likely over.
const RETRY_AFTER_S: u64 = 1;

pub(super) fn managed_entry(problem: &Problem) -> Entry {
    let conflict = |code, cause, message: String| Entry::new(StatusCode::CONFLICT, code, QUIET, cause, message);
    match problem {
        Problem::RateLimited { retry_after_s } => Entry::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limit",
            QUIET,
            Cause::RateLimited,
            format!("Too many requests of the management API. Retry in {retry_after_s} seconds."),
        )
        .retry_after(*retry_after_s),
        Problem::GuardRateLimited { retry_after_s } => Entry::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limit",
            QUIET,
            Cause::GuardRateLimited,
            format!("Too many checks of guard. Retry in {retry_after_s} seconds."),
        )
        .retry_after(*retry_after_s),
        Problem::MailLimited { address, limit } => mail_limited(address, *limit),
        Problem::Stale => Entry::new(
            StatusCode::PRECONDITION_FAILED,
            "stale",
            QUIET,
            Cause::Stale,
            "It has changed since, or is not there. Read it again, and send its ETag as If-Match.",
        ),
        Problem::Unknown { what, name } => Entry::new(
            StatusCode::NOT_FOUND,
            "not_found",
            QUIET,
            Cause::Unknown,
            format!("There is no {what} '{}'.", shown(name)),
        ),
        Problem::NameTaken { what, name } => {
            let message = format!("There is a {what} named '{}' already. Choose another name.", shown(name));
            conflict("name_taken", Cause::NameTaken, message).field("name")
        }
        Problem::AgentExists(slug) => {
            let message = format!("There is an agent '{}' already.", shown(slug.as_str()));
            conflict("agent_exists", Cause::AgentExists, message)
        }
        Problem::AgentCap { cap, slug } => {
            let slug = shown(slug);
            let message = format!(
                "Agent '{slug}' would be one more than the {cap} that this plan allows. Delete one that is not used."
            );
            Entry::bad_request("agent_limit", Cause::AgentCap, message).field("agent")
        }
        Problem::PlanRequired { field, what, plan } => {
            let message = format!("{what} the plan '{plan}' or above.");
            Entry::bad_request("plan_required", Cause::PlanRequired, message).field(*field)
        }
        Problem::Ended { what, name } => {
            let message = format!("The {what} '{}' is revoked or has expired. Create a new one.", shown(name));
            conflict("ended", Cause::Ended, message)
        }
        Problem::ConfigInvalid(faults) => {
            Entry::bad_request("invalid_config", Cause::ConfigInvalid, faults_text(faults))
        }
        Problem::TooManyChanges => Entry::unavailable(
            QUIET,
            Cause::TooManyChanges,
            RETRY_AFTER_S,
            format!("Too many changes at once. Retry in {RETRY_AFTER_S} second."),
        ),
        other => internal(Cause::Defect).detail(format!("{other:?} is no refusal of a change")),
    }
}

fn mail_limited(address: &str, limit: MailQuestionLimit) -> Entry {
    let (what, retry_after_s) = match limit {
        MailQuestionLimit::Address { retry_after_s } => {
            (format!("The address '{address}' was asked for its confirmation within a day."), retry_after_s)
        }
        MailQuestionLimit::Team { retry_after_s } => {
            let most = MailQuestions::MOST;
            (format!("The team had {most} mail addresses asked for their confirmation within a day."), retry_after_s)
        }
    };
    let message = format!("{what} Retry in {retry_after_s} seconds.");
    Entry::new(StatusCode::TOO_MANY_REQUESTS, "mail_limit", QUIET, Cause::MailLimited, message)
        .retry_after(retry_after_s)
        .field("to")
}

impl From<SettingFault> for Problem {
    fn from(fault: SettingFault) -> Self {
        let SettingFault { path, text, is_unknown } = fault;
        Problem::MemberInvalid { field: Some(path).filter(|path| !path.is_empty()), fault: text, is_unknown }
    }
}

impl Problem {
    /// What refused a request of the registry: the store, or one of its own rules.
    ///
    /// # Errors
    /// The refusal by a rule.
    pub fn of_registry(error: RegistryError) -> Result<StoreError, Problem> {
        match error {
            RegistryError::Store(error) => Ok(error),
            RegistryError::NotFound { what, id } => Err(Problem::Unknown { what, name: id }),
            RegistryError::Ended { what, id } => Err(Problem::Ended { what, name: id }),
            RegistryError::AgentCap { cap, slug } => Err(Problem::AgentCap { cap, slug }),
            RegistryError::Exists { what, id } => Err(Problem::NameTaken { what, name: id }),
            RegistryError::NameTaken { name, .. } => Err(Problem::NameTaken { what: "team", name }),
        }
    }
}
