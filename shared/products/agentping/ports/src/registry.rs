//! The registry port: teams and plans, credentials, agents' own rows, rates. Small, rarely written, read through
//! caches.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tidegate_agentping::rates::RateRow;
use tidegate_agentping::{
    AgentId, AgentNames, CredentialHash, KeyAccess, KeyId, KeyLabel, Plan, Rate, RateCard, Scope, Slug, TeamId, TokenId,
};
use tidegate_kernel::Timestamp;

use tidegate_ports::StoreError;

use crate::AgentRow;

/// Finds credentials.
#[async_trait]
pub trait Credentials: Send + Sync + 'static {
    /// What the credential with this hash may do; `None` if there is none, it was revoked, or its team is archived.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn find(&self, hash: &CredentialHash) -> Result<Option<CredentialRecord>, StoreError>;
}

/// All that the hot path needs to know of a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialRecord {
    pub team: TeamId,
    pub plan: Plan,
    pub scope: Scope,
    /// The API key that it is; `None`: it is a ping token.
    pub key: Option<HeldKey>,
    /// From this instant on it is no longer valid (24 h after a rotation; AgentPing: authentication).
    pub expires_at: Option<Timestamp>,
    /// What the names of the team's agents mean. A registry knows of none: see
    /// [`NamedCredentials`](crate::NamedCredentials).
    pub names: Arc<AgentNames>,
}

/// The API key that a caller has presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldKey {
    pub id: KeyId,
    pub access: KeyAccess,
}

impl HeldKey {
    /// Whether it may only read.
    pub const fn is_read_only(&self) -> bool {
        matches!(self.access, KeyAccess::Read)
    }
}

/// Finds a team's own rates.
#[async_trait]
pub trait Rates: Send + Sync + 'static {
    /// The rows that the team itself has set.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn own_rates(&self, team: TeamId) -> Result<Arc<RateCard>, StoreError>;
}

/// Agents known to the store.
#[async_trait]
pub trait Agents: Send + Sync + 'static {
    /// The slugs of the agents that take a slot of the team's plan: all but those that are archived.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn slugs(&self, team: TeamId) -> Result<Vec<Slug>, StoreError>;
}

/// Manages teams, credentials and rates. Secrets come in as hashes only: the caller mints and shows them.
#[async_trait]
pub trait Registry: Send + Sync + 'static {
    /// Refuses an id and a name that a team has already, archived or not. Teams of before that share a name stay.
    async fn create_team(&self, team: Team) -> Result<(), RegistryError>;
    /// By creation, then id; with those that are archived.
    async fn list_teams(&self) -> Result<Vec<Team>, RegistryError>;
    /// One team, archived or not.
    async fn team(&self, team: TeamId) -> Result<Option<Team>, RegistryError> {
        Ok(self.list_teams().await?.into_iter().find(|row| row.id == team))
    }
    async fn set_plan(&self, team: TeamId, plan: Plan) -> Result<(), RegistryError>;
    /// Refuses a name that another team has already.
    async fn rename_team(&self, team: TeamId, name: String) -> Result<(), RegistryError>;
    /// With an instant: the team's credentials do not work any more; the first instant stays. Without: they do again.
    async fn set_archived(&self, team: TeamId, at: Option<Timestamp>) -> Result<(), RegistryError>;

    /// By slug: the agents of runs, as far as the store can be read, and those that tokens were made for; with those that
    /// are archived.
    async fn list_agents(&self, team: TeamId) -> Result<Vec<AgentRow>, RegistryError>;
    /// Makes an agent ahead of its first run. It counts towards the plan's agents. One that is archived is there again;
    /// one that takes a slot already is refused.
    async fn create_agent(&self, team: TeamId, agent: Slug, at: Timestamp) -> Result<(), RegistryError>;
    /// Takes an agent out of the team's count, until a run of it that is received after `at`, or another token for it.
    /// Whether there is such an agent is not asked.
    async fn archive_agent(&self, team: TeamId, agent: Slug, at: Timestamp) -> Result<(), RegistryError>;

    async fn create_key(&self, row: KeyRow, hash: CredentialHash) -> Result<(), RegistryError>;
    async fn list_keys(&self, team: TeamId) -> Result<Vec<KeyRow>, RegistryError>;
    /// Revokes at once. Revoking a revoked key changes nothing.
    async fn revoke_key(&self, key: KeyId, at: Timestamp) -> Result<(), RegistryError>;

    /// Creates the token, and its agent if that is new.
    async fn create_token(&self, row: TokenRow, hash: CredentialHash) -> Result<(), RegistryError>;
    async fn list_tokens(&self, team: TeamId) -> Result<Vec<TokenRow>, RegistryError>;
    async fn revoke_token(&self, token: TokenId, at: Timestamp) -> Result<(), RegistryError>;
    /// In one step: `old` expires at `old_expires_at` and `new` (same team and agent) is there. Returns the new row.
    async fn rotate_token(
        &self,
        old: TokenId,
        old_expires_at: Timestamp,
        new: TokenId,
        new_hash: CredentialHash,
        now: Timestamp,
    ) -> Result<TokenRow, RegistryError>;
    /// Undoes a rotation whose new token was not shown: `new` is revoked, and `old` does not expire any more, if its
    /// end is still the one that the rotation set. An earlier end, or a revocation, stays.
    async fn undo_rotation(
        &self,
        old: TokenId,
        old_expires_at: Timestamp,
        new: TokenId,
        at: Timestamp,
    ) -> Result<(), RegistryError>;

    async fn set_rate(&self, team: TeamId, row: RateRow) -> Result<(), RegistryError>;
    async fn list_rates(&self, team: TeamId) -> Result<Vec<RateRow>, RegistryError>;
}

/// Why the registry refused a change. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    #[error("there is no {what} '{id}'")]
    NotFound { what: &'static str, id: String },
    #[error("{what} '{id}' exists already")]
    Exists { what: &'static str, id: String },
    #[error(
        "the name '{name}' is taken by team {by}: choose another, or give that team another with `tidegate teams rename`"
    )]
    NameTaken { name: String, by: TeamId },
    #[error("{what} '{id}' is revoked or has expired")]
    Ended { what: &'static str, id: String },
    #[error("the team has {cap} agents, all that its plan allows; '{slug}' would be one more")]
    AgentCap { cap: u32, slug: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    pub id: TeamId,
    pub name: String,
    pub plan: Plan,
    #[serde(with = "tidegate_kernel::timestamp::iso")]
    pub created_at: Timestamp,
    /// Since when its credentials do not work; what it has sent stays.
    #[serde(default, with = "tidegate_kernel::timestamp::iso_option", skip_serializing_if = "Option::is_none")]
    pub archived_at: Option<Timestamp>,
}

/// An API key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    pub id: KeyId,
    pub team: TeamId,
    pub access: KeyAccess,
    pub created_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
    /// What it is for, as far as whoever made it said so.
    pub label: Option<KeyLabel>,
}

/// A ping token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    pub id: TokenId,
    pub team: TeamId,
    pub agent: Slug,
    pub created_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
}

/// The id of an agent: made from its team and [key](tidegate_agentping::names) alone, so that every replay and every writer gives it the same.
/// Its birth time is the team's.
pub fn agent_id(team: TeamId, slug: &Slug) -> AgentId {
    let hash = tidegate_kernel::free_json::text_hash_128(&[&team.bits().to_be_bytes(), slug.as_str().as_bytes()]);
    let mut random = [0; 10];
    random.copy_from_slice(&hash.to_be_bytes()[..10]);
    AgentId::mint(team.region(), team.birth(), &random)
}

/// What a [`Rate`] must satisfy to be stored.
///
/// # Errors
/// The name of the price that is above [`Rate::MAX_PER_MILLION`].
pub fn check_rate(rate: &Rate) -> Result<(), &'static str> {
    let within = |price: tidegate_kernel::Usd| price <= Rate::MAX_PER_MILLION;
    match () {
        () if !within(rate.input_per_million) => Err("input"),
        () if !rate.cached_per_million.is_none_or(within) => Err("cached"),
        () if !within(rate.output_per_million) => Err("output"),
        () => Ok(()),
    }
}
