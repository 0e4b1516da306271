//! The registry in memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tidegate_agentping::rates::RateRow;
use tidegate_agentping::{CredentialHash, KeyId, Plan, Rate, RateCard, Scope, Slug, TeamId, TokenId};
use tidegate_agentping_ports::registry::agent_id;
use tidegate_agentping_ports::{
    AgentRow, CredentialRecord, Credentials, HeldKey, KeyRow, Rates, Registry, RegistryError, Team, TokenRow,
    union_of_agents,
};
use tidegate_kernel::Timestamp;
use tidegate_ports::StoreError;

/// Teams, credentials and rates, for as long as a clone of this lives.
#[derive(Clone, Debug, Default)]
pub struct MemoryRegistry(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    teams: BTreeMap<TeamId, Team>,
    keys: BTreeMap<KeyId, KeyRow>,
    tokens: BTreeMap<TokenId, TokenRow>,
    hashes: HashMap<CredentialHash, Holder>,
    /// When the first token of each agent was made.
    agents: BTreeMap<(TeamId, Slug), Timestamp>,
    archived_agents: BTreeMap<(TeamId, Slug), Timestamp>,
    rates: BTreeMap<(TeamId, String, String), Rate>,
}

#[derive(Clone, Copy, Debug)]
enum Holder {
    Key(KeyId),
    Token(TokenId),
}

impl MemoryRegistry {
    /// The agents that ping tokens were made for, by slug.
    pub fn agents(&self, team: TeamId) -> Vec<AgentRow> {
        self.state().agents(team)
    }

    /// When agents of the team were archived.
    pub fn archived_agents(&self, team: TeamId) -> BTreeMap<Slug, Timestamp> {
        self.state().archived_agents(team)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change below is made after its checks, so a panic leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn team(&mut self, team: TeamId) -> Result<&mut Team, RegistryError> {
        self.teams.get_mut(&team).ok_or_else(|| RegistryError::NotFound { what: "team", id: team.to_string() })
    }

    fn unused_hash(&self, hash: &CredentialHash, what: &'static str, id: String) -> Result<(), RegistryError> {
        if self.hashes.contains_key(hash) { Err(RegistryError::Exists { what, id }) } else { Ok(()) }
    }

    fn unused_name(&self, name: &str, team: TeamId) -> Result<(), RegistryError> {
        match self.teams.values().find(|other| other.name == name && other.id != team) {
            Some(other) => Err(RegistryError::NameTaken { name: name.to_owned(), by: other.id }),
            None => Ok(()),
        }
    }

    fn agents(&self, team: TeamId) -> Vec<AgentRow> {
        let of_team = self.agents.iter().filter(|((owner, _), _)| *owner == team);
        of_team
            .map(|((_, slug), first_seen)| AgentRow {
                id: agent_id(team, slug),
                slug: slug.clone(),
                first_seen: *first_seen,
                last_seen: None,
                archived_at: None,
            })
            .collect()
    }

    fn archived_agents(&self, team: TeamId) -> BTreeMap<Slug, Timestamp> {
        let of_team = self.archived_agents.iter().filter(|((owner, _), _)| *owner == team);
        of_team.map(|((_, slug), at)| (slug.clone(), *at)).collect()
    }

    fn listed_agents(&self, team: TeamId) -> Vec<AgentRow> {
        union_of_agents(self.agents(team), Vec::new(), &self.archived_agents(team))
    }

    /// A slot of the team's plan for the agent, which is there afterwards. Whether it was new.
    fn take_slot(&mut self, team: TeamId, slug: &Slug, at: Timestamp) -> Result<bool, RegistryError> {
        let cap = self.team(team)?.plan.limits().agents;
        let counted: Vec<AgentRow> =
            self.listed_agents(team).into_iter().filter(|agent| !agent.is_archived()).collect();
        let is_new = counted.iter().all(|agent| agent.slug != *slug);
        if let Some(cap) = cap.filter(|cap| is_new && counted.len() as u64 >= u64::from(*cap)) {
            return Err(RegistryError::AgentCap { cap, slug: slug.to_string() });
        }
        let agent = (team, slug.clone());
        self.archived_agents.remove(&agent);
        self.agents.entry(agent).or_insert(at);
        Ok(is_new)
    }

    fn add_token(&mut self, row: TokenRow, hash: CredentialHash) {
        self.hashes.insert(hash, Holder::Token(row.id));
        self.tokens.insert(row.id, row);
    }
}

#[async_trait]
impl Credentials for MemoryRegistry {
    async fn find(&self, hash: &CredentialHash) -> Result<Option<CredentialRecord>, StoreError> {
        let state = self.state();
        let found = match state.hashes.get(hash) {
            None => None,
            Some(Holder::Key(key)) => state.keys.get(key).map(|row| {
                let held = HeldKey { id: row.id, access: row.access };
                (row.team, Scope::Team, Some(held), row.revoked_at, None)
            }),
            Some(Holder::Token(token)) => state
                .tokens
                .get(token)
                .map(|row| (row.team, Scope::Agent(row.agent.clone()), None, row.revoked_at, row.expires_at)),
        };
        let Some((team, scope, key, None, expires_at)) = found else {
            return Ok(None);
        };
        let row = state.teams.get(&team).filter(|row| row.archived_at.is_none());
        Ok(row.map(|row| CredentialRecord { team, plan: row.plan, scope, key, expires_at, names: Arc::default() }))
    }
}

#[async_trait]
impl Rates for MemoryRegistry {
    async fn own_rates(&self, team: TeamId) -> Result<Arc<RateCard>, StoreError> {
        let state = self.state();
        let mut card = RateCard::default();
        for ((_, provider, model), rate) in state.rates.iter().filter(|((owner, ..), _)| *owner == team) {
            card.set(provider, model, *rate);
        }
        Ok(Arc::new(card))
    }
}

#[async_trait]
impl Registry for MemoryRegistry {
    async fn create_team(&self, team: Team) -> Result<(), RegistryError> {
        let mut state = self.state();
        if state.teams.contains_key(&team.id) {
            return Err(RegistryError::Exists { what: "team", id: team.id.to_string() });
        }
        state.unused_name(&team.name, team.id)?;
        state.teams.insert(team.id, team);
        Ok(())
    }

    async fn list_teams(&self) -> Result<Vec<Team>, RegistryError> {
        let mut teams: Vec<Team> = self.state().teams.values().cloned().collect();
        teams.sort_by_key(|team| (team.created_at, team.id));
        Ok(teams)
    }

    async fn set_plan(&self, team: TeamId, plan: Plan) -> Result<(), RegistryError> {
        self.state().team(team)?.plan = plan;
        Ok(())
    }

    async fn rename_team(&self, team: TeamId, name: String) -> Result<(), RegistryError> {
        let mut state = self.state();
        state.team(team)?;
        state.unused_name(&name, team)?;
        state.team(team)?.name = name;
        Ok(())
    }

    async fn set_archived(&self, team: TeamId, at: Option<Timestamp>) -> Result<(), RegistryError> {
        let mut state = self.state();
        let archived_at = &mut state.team(team)?.archived_at;
        *archived_at = at.map(|at| archived_at.unwrap_or(at));
        Ok(())
    }

    async fn list_agents(&self, team: TeamId) -> Result<Vec<AgentRow>, RegistryError> {
        let mut state = self.state();
        state.team(team)?;
        Ok(state.listed_agents(team))
    }

    async fn create_agent(&self, team: TeamId, agent: Slug, at: Timestamp) -> Result<(), RegistryError> {
        match self.state().take_slot(team, &agent, at)? {
            true => Ok(()),
            false => Err(RegistryError::Exists { what: "agent", id: agent.to_string() }),
        }
    }

    async fn archive_agent(&self, team: TeamId, agent: Slug, at: Timestamp) -> Result<(), RegistryError> {
        let mut state = self.state();
        state.team(team)?;
        state.archived_agents.insert((team, agent), at);
        Ok(())
    }

    async fn create_key(&self, row: KeyRow, hash: CredentialHash) -> Result<(), RegistryError> {
        let mut state = self.state();
        state.team(row.team)?;
        if state.keys.contains_key(&row.id) {
            return Err(RegistryError::Exists { what: "key", id: row.id.to_string() });
        }
        state.unused_hash(&hash, "key", row.id.to_string())?;
        state.hashes.insert(hash, Holder::Key(row.id));
        state.keys.insert(row.id, row);
        Ok(())
    }

    async fn list_keys(&self, team: TeamId) -> Result<Vec<KeyRow>, RegistryError> {
        let mut state = self.state();
        state.team(team)?;
        let mut keys: Vec<KeyRow> = state.keys.values().filter(|row| row.team == team).cloned().collect();
        keys.sort_by_key(|row| (row.created_at, row.id));
        Ok(keys)
    }

    async fn revoke_key(&self, key: KeyId, at: Timestamp) -> Result<(), RegistryError> {
        let mut state = self.state();
        let row = state.keys.get_mut(&key);
        let row = row.ok_or_else(|| RegistryError::NotFound { what: "key", id: key.to_string() })?;
        row.revoked_at.get_or_insert(at);
        Ok(())
    }

    async fn create_token(&self, row: TokenRow, hash: CredentialHash) -> Result<(), RegistryError> {
        let mut state = self.state();
        state.team(row.team)?;
        if state.tokens.contains_key(&row.id) {
            return Err(RegistryError::Exists { what: "token", id: row.id.to_string() });
        }
        state.unused_hash(&hash, "token", row.id.to_string())?;
        state.take_slot(row.team, &row.agent, row.created_at)?;
        state.add_token(row, hash);
        Ok(())
    }

    async fn list_tokens(&self, team: TeamId) -> Result<Vec<TokenRow>, RegistryError> {
        let mut state = self.state();
        state.team(team)?;
        let mut tokens: Vec<TokenRow> = state.tokens.values().filter(|row| row.team == team).cloned().collect();
        tokens.sort_by_key(|row| (row.created_at, row.id));
        Ok(tokens)
    }

    async fn revoke_token(&self, token: TokenId, at: Timestamp) -> Result<(), RegistryError> {
        let mut state = self.state();
        let row = state.tokens.get_mut(&token);
        let row = row.ok_or_else(|| RegistryError::NotFound { what: "token", id: token.to_string() })?;
        row.revoked_at.get_or_insert(at);
        Ok(())
    }

    async fn rotate_token(
        &self,
        old: TokenId,
        old_expires_at: Timestamp,
        new: TokenId,
        new_hash: CredentialHash,
        now: Timestamp,
    ) -> Result<TokenRow, RegistryError> {
        let mut state = self.state();
        let found = state.tokens.get(&old).cloned();
        let mut row = found.ok_or_else(|| RegistryError::NotFound { what: "token", id: old.to_string() })?;
        if row.revoked_at.is_some() || row.expires_at.is_some_and(|end| end <= now) {
            return Err(RegistryError::Ended { what: "token", id: old.to_string() });
        }
        if state.tokens.contains_key(&new) {
            return Err(RegistryError::Exists { what: "token", id: new.to_string() });
        }
        state.unused_hash(&new_hash, "token", new.to_string())?;
        // Rotating twice never makes the first token live longer.
        row.expires_at = Some(row.expires_at.map_or(old_expires_at, |end| end.min(old_expires_at)));
        let fresh = TokenRow {
            id: new,
            team: row.team,
            agent: row.agent.clone(),
            created_at: now,
            revoked_at: None,
            expires_at: None,
        };
        state.tokens.insert(old, row);
        state.add_token(fresh.clone(), new_hash);
        Ok(fresh)
    }

    async fn undo_rotation(
        &self,
        old: TokenId,
        old_expires_at: Timestamp,
        new: TokenId,
        at: Timestamp,
    ) -> Result<(), RegistryError> {
        self.revoke_token(new, at).await?;
        if let Some(row) = self.state().tokens.get_mut(&old).filter(|row| row.expires_at == Some(old_expires_at)) {
            row.expires_at = None;
        }
        Ok(())
    }

    async fn set_rate(&self, team: TeamId, row: RateRow) -> Result<(), RegistryError> {
        let mut state = self.state();
        state.team(team)?;
        state.rates.insert((team, row.provider, row.model), row.rate);
        Ok(())
    }

    async fn list_rates(&self, team: TeamId) -> Result<Vec<RateRow>, RegistryError> {
        self.state().team(team)?;
        Ok(self.own_rates(team).await?.rows())
    }
}
