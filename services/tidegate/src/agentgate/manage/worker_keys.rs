//! `tidegate agentgate worker-keys`.

use tidegate_agentgate::command::KeyUse;
use tidegate_agentgate::{Owner, Scopes};

use super::{Office, keys};
use crate::cli::WorkerKeysCommand;
use crate::failure::Failure;

pub async fn run(mut office: Office, command: WorkerKeysCommand) -> Result<(), Failure> {
    match command {
        WorkerKeysCommand::Create { org, .. } => {
            let (owner, key_use) = match org {
                Some(org) => (Owner::Org(office.organization(&org).await?.0), KeyUse::Worker),
                None => (Owner::Fleet, KeyUse::Fleet),
            };
            let made = keys::create(&office, owner, key_use, Scopes::NONE).await?;
            keys::show(&mut office, owner, made).await
        }
        WorkerKeysCommand::Revoke { id, .. } => {
            let mut owners = vec![Owner::Fleet];
            owners.extend(office.organizations().await?.into_iter().map(|(org, _)| Owner::Org(org)));
            keys::revoke(&mut office, &owners, &id, "keys list --org ORG").await
        }
    }
}
