//! What a ping token may do: heartbeats, and of its own agent only (AgentPing: authentication).

use tidegate_agentping::{Body, Scope};

use crate::refusal::Refusal;

/// Checks the endpoint first, then the agent.
///
/// # Errors
/// [`Refusal::ScopeHeartbeatsOnly`], [`Refusal::ScopeAgent`].
pub fn check(scope: &Scope, body: &Body) -> Result<(), Refusal> {
    match (scope, body) {
        (Scope::Team, _) => Ok(()),
        (Scope::Agent(own), Body::Heartbeat(heartbeat)) if own.is_same_agent(&heartbeat.agent) => Ok(()),
        (Scope::Agent(own), Body::Heartbeat(heartbeat)) => {
            Err(Refusal::ScopeAgent { own: own.clone(), asked: heartbeat.agent.clone() })
        }
        (Scope::Agent(_), _) => Err(Refusal::ScopeHeartbeatsOnly),
    }
}
