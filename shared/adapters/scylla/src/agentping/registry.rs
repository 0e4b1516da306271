//! The registry ports over CQL: teams, credentials, rates.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_agentping::rates::RateRow;
use tidegate_agentping::{CredentialHash, KeyId, Plan, RateCard, Slug, TeamId, TokenId};
use tidegate_agentping_ports::{
    AgentRow, CredentialRecord, Credentials, KeyRow, Rates, Registry, RegistryError, Team, TokenRow,
};
use tidegate_kernel::Timestamp;
use tidegate_ports::StoreError;

use crate::agentping::AgentPingCql;

mod agents;
pub(super) mod credential_row;
mod credentials;
mod names;
mod teams;

/// Teams, credentials and rates. Cheap to clone.
#[derive(Clone)]
pub struct ScyllaRegistry {
    cql: AgentPingCql,
}

impl ScyllaRegistry {
    pub fn new(cql: AgentPingCql) -> Self {
        ScyllaRegistry { cql }
    }
}

#[async_trait]
impl Credentials for ScyllaRegistry {
    /// Reads the credential's row, and then at once the team's plan and whether the team is archived.
    async fn find(&self, hash: &CredentialHash) -> Result<Option<CredentialRecord>, StoreError> {
        self.find_credential(hash).await
    }
}

#[async_trait]
impl Rates for ScyllaRegistry {
    async fn own_rates(&self, team: TeamId) -> Result<Arc<RateCard>, StoreError> {
        Ok(Arc::new(self.rates_of(team).await?.into_iter().collect()))
    }
}

#[async_trait]
impl Registry for ScyllaRegistry {
    async fn create_team(&self, team: Team) -> Result<(), RegistryError> {
        self.insert_team(&team).await
    }

    async fn list_teams(&self) -> Result<Vec<Team>, RegistryError> {
        Ok(self.all_teams().await?)
    }

    async fn set_plan(&self, team: TeamId, plan: Plan) -> Result<(), RegistryError> {
        self.update_plan(team, plan).await
    }

    async fn rename_team(&self, team: TeamId, name: String) -> Result<(), RegistryError> {
        self.rename(team, &name).await
    }

    async fn set_archived(&self, team: TeamId, at: Option<Timestamp>) -> Result<(), RegistryError> {
        self.existing_team(team).await?;
        Ok(self.archive_or_restore(team, at).await?)
    }

    async fn list_agents(&self, team: TeamId) -> Result<Vec<AgentRow>, RegistryError> {
        self.existing_team(team).await?;
        Ok(self.all_agents(team).await?)
    }

    /// Two calls at the same instant may both find room for one more, and both make the same agent.
    async fn create_agent(&self, team: TeamId, agent: Slug, at: Timestamp) -> Result<(), RegistryError> {
        self.insert_agent(team, &agent, at).await
    }

    async fn archive_agent(&self, team: TeamId, agent: Slug, at: Timestamp) -> Result<(), RegistryError> {
        self.existing_team(team).await?;
        Ok(self.save_archived_agent(team, &agent, at).await?)
    }

    async fn create_key(&self, row: KeyRow, hash: CredentialHash) -> Result<(), RegistryError> {
        self.existing_team(row.team).await?;
        self.insert_credential(&row.into(), &hash).await
    }

    async fn list_keys(&self, team: TeamId) -> Result<Vec<KeyRow>, RegistryError> {
        self.keys_of(team).await
    }

    async fn revoke_key(&self, key: KeyId, at: Timestamp) -> Result<(), RegistryError> {
        self.revoke("key", key.to_string(), at).await
    }

    /// The agents counted towards the cap are those of tokens and those of runs, but for archived ones. Two calls at
    /// the same instant may both find room for one more.
    async fn create_token(&self, row: TokenRow, hash: CredentialHash) -> Result<(), RegistryError> {
        self.check_agent_cap(&row).await?;
        self.insert_credential(&row.clone().into(), &hash).await?;
        Ok(self.save_token_agent(&row).await?)
    }

    async fn list_tokens(&self, team: TeamId) -> Result<Vec<TokenRow>, RegistryError> {
        self.tokens_of(team).await
    }

    async fn revoke_token(&self, token: TokenId, at: Timestamp) -> Result<(), RegistryError> {
        self.revoke("token", token.to_string(), at).await
    }

    /// Writes the new token first, then the old one's end: if it is interrupted in between, both work, and a second
    /// rotation is correct.
    async fn rotate_token(
        &self,
        old: TokenId,
        old_expires_at: Timestamp,
        new: TokenId,
        new_hash: CredentialHash,
        now: Timestamp,
    ) -> Result<TokenRow, RegistryError> {
        self.rotate(old, old_expires_at, new, new_hash, now).await
    }

    /// Revokes the new token first: if it is interrupted in between, the old one works until the end that the rotation
    /// set.
    async fn undo_rotation(
        &self,
        old: TokenId,
        old_expires_at: Timestamp,
        new: TokenId,
        at: Timestamp,
    ) -> Result<(), RegistryError> {
        self.revoke("token", new.to_string(), at).await?;
        self.keep(old, old_expires_at).await
    }

    async fn set_rate(&self, team: TeamId, row: RateRow) -> Result<(), RegistryError> {
        self.existing_team(team).await?;
        Ok(self.save_rate(team, &row).await?)
    }

    async fn list_rates(&self, team: TeamId) -> Result<Vec<RateRow>, RegistryError> {
        self.existing_team(team).await?;
        Ok(self.rates_of(team).await?)
    }
}
