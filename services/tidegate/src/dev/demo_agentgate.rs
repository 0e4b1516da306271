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
}

/// Makes an organization and its keys where there is none, or each one was erased.
///
/// # Errors
/// A command could not be decided.
pub async fn first_organization(office: &Office) -> Result<GateWelcome, Failure> {
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
