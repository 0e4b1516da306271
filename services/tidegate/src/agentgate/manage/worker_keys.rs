//! `tidegate agentgate worker-keys`.

use tidegate_agentgate::command::KeyUse;
use tidegate_agentgate::{Owner, Scopes};

use super::{Office, keys};
use crate::cli::WorkerKeysCommand;
use crate::failure::Failure;

pub async fn run(mut office: Office, command: WorkerKeysCommand) -> Result<(), Failure> {
    match command {
        WorkerKeysCommand::Create { org, .. } => {
            let owner = owner(&office, org.as_deref()).await?;
            let key_use = if owner == Owner::Fleet { KeyUse::Fleet } else { KeyUse::Worker };
            let made = keys::create(&office, owner, key_use, Scopes::NONE).await?;
            keys::show(&mut office, owner, made).await
        }
        WorkerKeysCommand::List { org, .. } => {
            let owner = owner(&office, org.as_deref()).await?;
            keys::list(&mut office, owner, |key_use| key_use != KeyUse::Client).await
        }
        WorkerKeysCommand::Revoke { id, .. } => {
            let mut owners = vec![Owner::Fleet];
            owners.extend(office.organizations().await?.into_iter().map(|(org, _)| Owner::Org(org)));
            keys::revoke(&mut office, &owners, &id, "worker-keys list (--org ORG | --fleet)").await
        }
    }
}

/// An organization, or the fleet.
async fn owner(office: &Office, org: Option<&str>) -> Result<Owner, Failure> {
    match org {
        Some(org) => Ok(Owner::Org(office.organization(org).await?.0)),
        None => Ok(Owner::Fleet),
    }
}
