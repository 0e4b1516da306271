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
        let Some(cap) = self.existing_team(row.team).await?.limits().agents else {
            return Ok(());
        };
        let agents: Vec<AgentRow> =
            self.all_agents(row.team).await?.into_iter().filter(|agent| !agent.is_archived()).collect();
        let is_new = agents.iter().all(|agent| agent.slug != row.agent);
        if is_new && agents.len() as u64 >= u64::from(cap) {
            return Err(RegistryError::AgentCap { cap, slug: row.agent.to_string() });
        }
        Ok(())
    }

    /// Writes the agent of a token. The earliest token's time is kept in any order of writes. The agent is restored if
    /// it was archived.
    pub(super) async fn save_token_agent(&self, row: &TokenRow) -> Result<(), StoreError> {
        let at = first_wins(row.created_at);
        let values = (row.team.to_string(), row.agent.as_str(), cql_instant(row.created_at), at);
        self.cql.write(&self.cql.statements().save_token_agent, &values).await?;
        let values = (row.team.to_string(), row.agent.as_str());
        self.cql.write(&self.cql.statements().restore_agent, &values).await
    }
}
