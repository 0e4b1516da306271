//! Agents that ping tokens were made for.

use scylla::response::PagingState;
use scylla::value::CqlTimestamp;
use tidegate_domain::{Slug, TeamId, Timestamp};
use tidegate_ports::registry::agent_id;
use tidegate_ports::{AgentRow, RegistryError, StoreError, TokenRow, union_of_agents};

use super::ScyllaRegistry;
use super::credential_row::cql_instant;
use crate::failure::unreadable;
use crate::store::FIRST_WINS;

impl ScyllaRegistry {
    pub(crate) async fn agents_of_tokens(&self, team: TeamId) -> Result<Vec<AgentRow>, StoreError> {
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
                agents.push(AgentRow { id: agent_id(team, &slug), slug, first_seen, last_seen: None });
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
        let of_runs = self.cql.agents_of_runs(row.team).await?;
        let agents = union_of_agents(of_runs, self.agents_of_tokens(row.team).await?);
        let is_new = agents.iter().all(|agent| agent.slug != row.agent);
        if is_new && agents.len() as u64 >= u64::from(cap) {
            return Err(RegistryError::AgentCap { cap, slug: row.agent.to_string() });
        }
        Ok(())
    }

    /// The earliest first token stays, in whatever order they are written.
    pub(super) async fn save_token_agent(&self, row: &TokenRow) -> Result<(), StoreError> {
        let at = FIRST_WINS - row.created_at.as_millis();
        let values = (row.team.to_string(), row.agent.as_str(), cql_instant(row.created_at), at);
        self.cql.write(&self.cql.statements().save_token_agent, &values).await
    }
}
