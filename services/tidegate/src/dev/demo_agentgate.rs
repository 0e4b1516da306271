//! The first organization of a folder, so that AgentGate can be tried at once.

use tidegate_agentgate::command::KeyUse;
use tidegate_agentgate::{OrgId, Owner, Scope, Scopes};

use super::demo::NAME;
use crate::agentgate::manage::{Office, keys, orgs};
use crate::cli::OrgSettings;
use crate::failure::Failure;

/// What the banner says of AgentGate.
pub enum GateWelcome {
    /// There are organizations already; this is one of them, and not an erased one.
    Again { org: OrgId },
    /// This is the first one, with a key for all and a worker's.
    First { org: OrgId, key: keys::Made, worker: keys::Made },
    /// There was none, and it or a key of it was not decided.
    Missing,
}

/// As [`first_organization`]. Without one the process goes on: all the rest works, and commands can make one later.
pub async fn welcome(office: &Office) -> GateWelcome {
    first_organization(office).await.unwrap_or_else(|failure| {
        tracing::warn!(
            error = %failure,
            "the first organization of AgentGate or a key of it was not made; `tidegate agentgate orgs list` shows \
             whether the organization is there by now, `orgs create`, `keys create` and `worker-keys create` make what \
             is missing"
        );
        GateWelcome::Missing
    })
}

/// Makes an organization and its keys where there is none, or each one was erased.
///
/// # Errors
/// A command could not be decided.
async fn first_organization(office: &Office) -> Result<GateWelcome, Failure> {
    if let Some((org, _)) = office.organizations().await?.into_iter().find(|(_, row)| !row.erased) {
        return Ok(GateWelcome::Again { org });
    }
    let org = orgs::create(office, NAME, &OrgSettings::default()).await?;
    let all: Scopes = [Scope::All].into_iter().collect();
    let key = keys::create(office, Owner::Org(org), KeyUse::Client, all).await?;
    let worker = keys::create(office, Owner::Org(org), KeyUse::Worker, Scopes::NONE).await?;
    Ok(GateWelcome::First { org, key, worker })
}

impl GateWelcome {
    /// Revokes keys that were not shown.
    pub async fn take_back(&self, office: &Office) {
        let GateWelcome::First { org, key, worker } = self else { return };
        for made in [key, worker] {
            match keys::take_back(office, Owner::Org(*org), made.id).await {
                Ok(()) => tracing::warn!(key = %made.id, "a key that could not be shown is revoked again"),
                Err(error) => tracing::error!(key = %made.id, %error, "a key that could not be shown is not revoked"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use async_trait::async_trait;
    use tidegate_agentgate::AgentGate;
    use tidegate_commands::sealing::{DeploymentKey, Sealer};
    use tidegate_inproc::deliveries::MemoryDeliveries;
    use tidegate_inproc::facts::MemoryFacts;
    use tidegate_inproc::owner_keys::MemoryOwnerKeys;
    use tidegate_inproc::views::MemoryViews;
    use tidegate_kernel::command::{CommandOutcome, Envelope};
    use tidegate_ports::{RandomIds, SystemClock};

    use super::*;
    use crate::agentgate::manage::Decide;
    use crate::console::Console;

    /// Decides nothing in time.
    struct Late;

    #[async_trait]
    impl Decide for Late {
        async fn decide(&self, _: Envelope<AgentGate>) -> Result<CommandOutcome<AgentGate>, Failure> {
            Err(Failure::unavailable("it was not decided in time"))
        }
    }

    #[tokio::test]
    async fn a_first_organization_that_is_not_decided_in_time_is_missing_and_no_failure() {
        let key = DeploymentKey::new([7; DeploymentKey::BYTES]);
        let office = Office {
            commands: Arc::new(Late),
            views: Arc::new(MemoryViews::default()),
            facts: Arc::new(MemoryFacts::default()),
            deliveries: Arc::new(MemoryDeliveries::default()),
            sealer: Sealer::new(Arc::new(MemoryOwnerKeys::default()), key, Arc::new(RandomIds)),
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            console: Console::to(std::io::sink()),
            json: false,
        };
        assert!(matches!(welcome(&office).await, GateWelcome::Missing));
    }
}
