//! Sending webhooks: the client that front doors and deciders use, and what deciders send with it.

use std::sync::Arc;
use std::time::Duration;

use tidegate_agentgate_api::{WEBHOOK_RETRIES, WebhookComposer};
use tidegate_decider::Sending;
use tidegate_outbound::{Outbound, PortRule, SendLimits, TargetPolicy};

use crate::assemble::commands::DeciderPorts;
use crate::config::AgentGateSection;
use crate::failure::Failure;

/// A receiver answers within 30 seconds (AgentGate: webhooks). Its answer's body is not used.
const LIMITS: SendLimits =
    SendLimits { whole: Duration::from_secs(30), connect: Duration::from_secs(5), body_bytes: 64 << 10 };

/// The client, as the operator allows it.
///
/// # Errors
/// TLS cannot be used.
pub fn client(section: &AgentGateSection) -> Result<Outbound, Failure> {
    let policy = TargetPolicy {
        allow_http: section.api.webhook_allow_http,
        networks: section.webhook_allow_targets.clone(),
        ports: PortRule::Any,
    };
    let client = Outbound::new(policy, LIMITS, section.webhook_trust.clone());
    client.map_err(|error| Failure::broken(format!("webhooks cannot be sent: {error}")).caused_by(error))
}

/// What a decider sends with; `None`: it has no key that opens what is to be sent.
pub fn sending(client: Outbound, ports: &DeciderPorts) -> Option<Arc<Sending>> {
    let composer = WebhookComposer::new(ports.commands.views.clone(), ports.sealer.clone()?);
    Some(Arc::new(Sending::new(Arc::new(composer), client, WEBHOOK_RETRIES)))
}
