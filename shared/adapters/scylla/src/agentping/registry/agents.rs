//! The agents of ping tokens, of runs, and archived agents.

use std::collections::BTreeMap;

use scylla::response::PagingState;
use scylla::value::CqlTimestamp;
use tidegate_agentping::{Slug, TeamId};
use tidegate_agentping_ports::registry::agent_id;
use tidegate_agentping_ports::{AgentRow, RegistryError, TokenRow, union_of_agents};
use tidegate_kernel::Timestamp;
use tidegate_ports::StoreError;

use super::ScyllaRegistry;
use super::credential_row::cql_instant;
use crate::failure::unreadable;
use crate::write_time::first_wins;

impl ScyllaRegistry {
    /// All agents of runs and tokens, by slug, archived ones included.
    pub(crate) async fn all_agents(&self, team: TeamId) -> Result<Vec<AgentRow>, StoreError> {
        let (of_runs, of_tokens, archived) = futures_util::try_join!(
            self.cql.agents_of_runs(team),
            self.agents_of_tokens(team),
            self.archived_agents(team),
        )?;
        Ok(union_of_agents(of_runs, of_tokens, &archived))
    }

    async fn archived_agents(&self, team: TeamId) -> Result<BTreeMap<Slug, Timestamp>, StoreError> {
        let values = (team.to_string(),);
        let mut archived = BTreeMap::new();
        let mut from = Some(PagingState::start());
        while let Some(state) = from {
            let page = self.cql.page(&self.cql.statements().archived_agents, &values, None, state).await?;
            let rows = page.rows.rows::<(&str, CqlTimestamp)>();
            for row in rows.map_err(|error| unreadable("archived_agents", error))? {
                let (slug, at) = row.map_err(|error| unreadable("archived_agents", error))?;
                let slug = Slug::parse(slug).map_err(|error| unreadable("archived_agents", error))?;
                archived.insert(slug, Timestamp::from_millis(at.0));
            }
            from = page.next;
        }
        Ok(archived)
    }

    pub(super) async fn save_archived_agent(
        &self,
        team: TeamId,
        agent: &Slug,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let values = (team.to_string(), agent.as_str(), cql_instant(at));
        self.cql.write(&self.cql.statements().archive_agent, &values).await
    }

    async fn agents_of_tokens(&self, team: TeamId) -> Result<Vec<AgentRow>, StoreError> {
        let values = (team.to_string(),);
        let mut agents = Vec::new();
        let mut from = Some(PagingState::start());
        while let Some(state) = from {
            let page = self.cql.page(&self.cql.statements().token_agents, &values, None, state).await?;
            let rows = page.rows.rows::<(&str, CqlTimestamp)>();
            for row in rows.map_err(|error| unreadable("token_agents", error))? {
                let (slug, first) = row.map_err(|error| unreadable("token_agents", error))?;
                let slug = Slug::parse(slug).map_err(|error| unreadable("token_agents", error))?;
                let first_seen = Timestamp::from_millis(first.0);
                agents.push(AgentRow {
                    id: agent_id(team, &slug),
                    slug,
                    first_seen,
                    last_seen: None,
                    archived_at: None,
                });
            }
            from = page.next;
        }
        Ok(agents)
    }

    /// Whether the team may have a token for this agent.
    pub(super) async fn check_agent_cap(&self, row: &TokenRow) -> Result<(), RegistryError> {
        self.has_slot(row.team, &row.agent).await.map(drop)
    }

    /// Makes an agent ahead of its first run.
    pub(super) async fn insert_agent(&self, team: TeamId, agent: &Slug, at: Timestamp) -> Result<(), RegistryError> {
        if self.has_slot(team, agent).await? {
            return Err(RegistryError::Exists { what: "agent", id: agent.to_string() });
        }
        Ok(self.save_agent(team, agent, at).await?)
    }

    /// Whether the agent has a slot of the team's plan, if not one is free.
    async fn has_slot(&self, team: TeamId, agent: &Slug) -> Result<bool, RegistryError> {
        let cap = self.existing_team(team).await?.limits().agents;
        let agents: Vec<AgentRow> = self.all_agents(team).await?.into_iter().filter(|row| !row.is_archived()).collect();
        let is_new = agents.iter().all(|row| row.slug != *agent);
        match cap {
            Some(cap) if is_new && agents.len() as u64 >= u64::from(cap) => {
                Err(RegistryError::AgentCap { cap, slug: agent.to_string() })
            }
            _ => Ok(!is_new),
        }
    }

    /// Writes the agent of a token. The earliest token's time is kept in any order of writes. The agent is restored if
    /// it was archived.
    pub(super) async fn save_token_agent(&self, row: &TokenRow) -> Result<(), StoreError> {
        self.save_agent(row.team, &row.agent, row.created_at).await
    }

    async fn save_agent(&self, team: TeamId, agent: &Slug, created_at: Timestamp) -> Result<(), StoreError> {
        let values = (team.to_string(), agent.as_str(), cql_instant(created_at), first_wins(created_at));
        self.cql.write(&self.cql.statements().save_token_agent, &values).await?;
        let values = (team.to_string(), agent.as_str());
        self.cql.write(&self.cql.statements().restore_agent, &values).await
    }
}
