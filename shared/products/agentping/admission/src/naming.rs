//! Names of renamed agents at the front door: a request names an agent by its name, the log and the gate know it by its
//! [key](tidegate_agentping::names), and the answer has its name again.

use tidegate_agentping::{AgentNames, Body, Scope, Slug};

use crate::claims;
use crate::refusal::{Refusal, StartField};
use crate::submission::{Acceptance, Caller, Submission};

/// The request with the key of the agent that it names. A ping token's own agent is its own under every name that it had:
/// what was pasted before a rename goes on reporting for it.
pub fn keyed(caller: &Caller, submission: Submission) -> Submission {
    let Some(sent) = claims::agent(&submission.body) else { return submission };
    let key = match &caller.scope {
        Scope::Agent(own) if caller.names.is_known_as(own, sent) => own,
        Scope::Agent(_) | Scope::Team => caller.names.key(sent),
    };
    let key = key.clone();
    of_agent(submission, key)
}

/// The request as one of the agent with this key.
pub fn of_agent(mut submission: Submission, key: Slug) -> Submission {
    match &mut submission.body {
        Body::Start(start) => start.agent = key,
        Body::Heartbeat(heartbeat) => heartbeat.agent = key,
        Body::Events(_) | Body::Finish(_) => {}
    }
    submission
}

/// The key of the run's agent, if the request was refused only because that agent was renamed since the run was opened: the
/// client goes on naming it as it did.
pub fn opened_as(names: &AgentNames, sent: &Slug, refusal: &Refusal) -> Option<Slug> {
    match refusal {
        Refusal::StartConflict { stored_agent, field: StartField::Agent { .. }, .. }
            if names.is_known_as(stored_agent, sent) =>
        {
            Some(stored_agent.clone())
        }
        _ => None,
    }
}

/// The answer with the agent's name.
pub fn named(names: &AgentNames, mut acceptance: Acceptance) -> Acceptance {
    if let Some(agent) = &mut acceptance.run.agent {
        *agent = names.name(agent).clone();
    }
    acceptance
}

/// The refusal with agents' names.
pub fn named_refusal(names: &AgentNames, refusal: Refusal) -> Refusal {
    let name = |key: &Slug| names.name(key).clone();
    match refusal {
        Refusal::ScopeAgent { own, asked } => Refusal::ScopeAgent { own: name(&own), asked: name(&asked) },
        Refusal::AgentCap { cap, slug, hints } => Refusal::AgentCap { cap, slug: name(&slug), hints },
        Refusal::StartConflict { run, stored_agent, stored_started_at, field } => {
            let field = match field {
                StartField::Agent { supplied } => StartField::Agent { supplied: name(&supplied) },
                field @ StartField::StartedAt { .. } => field,
            };
            Refusal::StartConflict { run, stored_agent: name(&stored_agent), stored_started_at, field }
        }
        refusal => refusal,
    }
}
