//! The registry by the names of agents.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_agentping::rates::RateRow;
use tidegate_agentping::{AgentNames, CredentialHash, KeyId, Plan, Slug, TeamId, TokenId};
use tidegate_kernel::Timestamp;

use super::NamesOfTeams;
use crate::{AgentRow, KeyRow, Registry, RegistryError, Team, TokenRow};

/// A registry that takes and shows names, over one that has keys.
pub struct NamedRegistry {
    registry: Arc<dyn Registry>,
    names: Arc<dyn NamesOfTeams>,
}

impl NamedRegistry {
    pub fn new(registry: Arc<dyn Registry>, names: Arc<dyn NamesOfTeams>) -> Self {
        NamedRegistry { registry, names }
    }

    async fn names(&self, team: TeamId) -> Result<Arc<AgentNames>, RegistryError> {
        Ok(self.names.of(team).await?)
    }
}

/// The refusal as people read it.
fn named(names: &AgentNames, error: RegistryError) -> RegistryError {
    match error {
        RegistryError::AgentCap { cap, slug } => {
            RegistryError::AgentCap { cap, slug: names.name_of_text(&slug).to_owned() }
        }
        RegistryError::Exists { what: "agent", id } => {
            RegistryError::Exists { what: "agent", id: names.name_of_text(&id).to_owned() }
        }
        other => other,
    }
}

fn named_token(names: &AgentNames, row: TokenRow) -> TokenRow {
    TokenRow { agent: names.name(&row.agent).clone(), ..row }
}

/// The rows by name, in its order.
pub(super) fn named_agents(names: &AgentNames, mut rows: Vec<AgentRow>) -> Vec<AgentRow> {
    if !names.is_empty() {
        rows.iter_mut().for_each(|row| row.slug = names.name(&row.slug).clone());
        rows.sort_by(|one, other| one.slug.cmp(&other.slug));
    }
    rows
}

#[async_trait]
impl Registry for NamedRegistry {
    async fn create_team(&self, team: Team) -> Result<(), RegistryError> {
        self.registry.create_team(team).await
    }

    async fn list_teams(&self) -> Result<Vec<Team>, RegistryError> {
        self.registry.list_teams().await
    }

    async fn team(&self, team: TeamId) -> Result<Option<Team>, RegistryError> {
        self.registry.team(team).await
    }

    async fn set_plan(&self, team: TeamId, plan: Plan) -> Result<(), RegistryError> {
        self.registry.set_plan(team, plan).await
    }

    async fn rename_team(&self, team: TeamId, name: String) -> Result<(), RegistryError> {
        self.registry.rename_team(team, name).await
    }

    async fn set_archived(&self, team: TeamId, at: Option<Timestamp>) -> Result<(), RegistryError> {
        self.registry.set_archived(team, at).await
    }

    async fn list_agents(&self, team: TeamId) -> Result<Vec<AgentRow>, RegistryError> {
        let rows = self.registry.list_agents(team).await?;
        Ok(named_agents(&*self.names(team).await?, rows))
    }

    async fn create_agent(&self, team: TeamId, agent: Slug, at: Timestamp) -> Result<(), RegistryError> {
        let names = self.names(team).await?;
        let key = names.key(&agent).clone();
        self.registry.create_agent(team, key, at).await.map_err(|error| named(&names, error))
    }

    async fn archive_agent(&self, team: TeamId, agent: Slug, at: Timestamp) -> Result<(), RegistryError> {
        let names = self.names(team).await?;
        self.registry.archive_agent(team, names.key(&agent).clone(), at).await
    }

    async fn create_key(&self, row: KeyRow, hash: CredentialHash) -> Result<(), RegistryError> {
        self.registry.create_key(row, hash).await
    }

    async fn list_keys(&self, team: TeamId) -> Result<Vec<KeyRow>, RegistryError> {
        self.registry.list_keys(team).await
    }

    async fn revoke_key(&self, key: KeyId, at: Timestamp) -> Result<(), RegistryError> {
        self.registry.revoke_key(key, at).await
    }

    async fn create_token(&self, row: TokenRow, hash: CredentialHash) -> Result<(), RegistryError> {
        let names = self.names(row.team).await?;
        let row = TokenRow { agent: names.key(&row.agent).clone(), ..row };
        self.registry.create_token(row, hash).await.map_err(|error| named(&names, error))
    }

    async fn list_tokens(&self, team: TeamId) -> Result<Vec<TokenRow>, RegistryError> {
        let rows = self.registry.list_tokens(team).await?;
        let names = self.names(team).await?;
        Ok(rows.into_iter().map(|row| named_token(&names, row)).collect())
    }

    async fn revoke_token(&self, token: TokenId, at: Timestamp) -> Result<(), RegistryError> {
        self.registry.revoke_token(token, at).await
    }

    async fn rotate_token(
        &self,
        old: TokenId,
        old_expires_at: Timestamp,
        new: TokenId,
        new_hash: CredentialHash,
        now: Timestamp,
    ) -> Result<TokenRow, RegistryError> {
        let row = self.registry.rotate_token(old, old_expires_at, new, new_hash, now).await?;
        let names = self.names(row.team).await?;
        Ok(named_token(&names, row))
    }

    async fn undo_rotation(
        &self,
        old: TokenId,
        old_expires_at: Timestamp,
        new: TokenId,
        at: Timestamp,
    ) -> Result<(), RegistryError> {
        self.registry.undo_rotation(old, old_expires_at, new, at).await
    }

    async fn set_rate(&self, team: TeamId, row: RateRow) -> Result<(), RegistryError> {
        self.registry.set_rate(team, row).await
    }

    async fn list_rates(&self, team: TeamId) -> Result<Vec<RateRow>, RegistryError> {
        self.registry.list_rates(team).await
    }
}
