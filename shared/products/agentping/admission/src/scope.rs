//! What a credential may report: a ping token heartbeats, and of its own agent only (AgentPing: authentication); a key that
//! may only read, nothing.

use tidegate_agentping::{Body, Scope};

use crate::refusal::Refusal;
use crate::submission::Caller;

/// Checks the endpoint first, then the agent.
///
/// # Errors
/// [`Refusal::KeyReadsOnly`], [`Refusal::ScopeHeartbeatsOnly`], [`Refusal::ScopeAgent`].
pub fn check(caller: &Caller, body: &Body) -> Result<(), Refusal> {
    if caller.key.is_some_and(|key| key.is_read_only()) {
        return Err(Refusal::KeyReadsOnly);
    }
    match (&caller.scope, body) {
        (Scope::Team, _) => Ok(()),
        (Scope::Agent(own), Body::Heartbeat(heartbeat)) if own.is_same_agent(&heartbeat.agent) => Ok(()),
        (Scope::Agent(own), Body::Heartbeat(heartbeat)) => {
            Err(Refusal::ScopeAgent { own: own.clone(), asked: heartbeat.agent.clone() })
        }
        (Scope::Agent(_), _) => Err(Refusal::ScopeHeartbeatsOnly),
    }
}
