//! What readers ask, by the names of agents.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_agentping::{AgentNames, Run, RunKey, TeamId};
use tidegate_kernel::{Month, Timestamp};
use tidegate_ports::StoreError;

use super::NamesOfTeams;
use super::registry::named_agents;
use crate::{
    AgentRepeats, AgentRow, AgentSums, EventPage, EventsPage, RunFilter, RunPage, RunQueries, RunsPage, Spend,
};

/// Queries that take and show names, over a store that has keys.
pub struct NamedRuns {
    queries: Arc<dyn RunQueries>,
    names: Arc<dyn NamesOfTeams>,
}

impl NamedRuns {
    pub fn new(queries: Arc<dyn RunQueries>, names: Arc<dyn NamesOfTeams>) -> Self {
        NamedRuns { queries, names }
    }
}

fn name_run(names: &AgentNames, run: &mut Run) {
    if names.is_empty() {
        return;
    }
    for opening in [&mut run.start, &mut run.implied].into_iter().flatten() {
        opening.start.agent = names.name(&opening.start.agent).clone();
    }
}

#[async_trait]
impl RunQueries for NamedRuns {
    async fn run(&self, key: RunKey) -> Result<Option<Run>, StoreError> {
        let Some(mut run) = self.queries.run(key).await? else { return Ok(None) };
        name_run(&*self.names.of(key.team).await?, &mut run);
        Ok(Some(run))
    }

    async fn events(&self, key: RunKey, page: &EventPage) -> Result<EventsPage, StoreError> {
        self.queries.events(key, page).await
    }

    async fn list(
        &self,
        team: TeamId,
        filter: &RunFilter,
        page: &RunPage,
        now: Timestamp,
    ) -> Result<RunsPage, StoreError> {
        let names = self.names.of(team).await?;
        let agent = filter.agent.as_ref().map(|name| names.key(name).clone());
        let filter = RunFilter { agent, ..filter.clone() };
        let mut found = self.queries.list(team, &filter, page, now).await?;
        found.runs.iter_mut().for_each(|listed| name_run(&names, &mut listed.run));
        Ok(found)
    }

    async fn agents(&self, team: TeamId) -> Result<Vec<AgentRow>, StoreError> {
        let rows = self.queries.agents(team).await?;
        Ok(named_agents(&*self.names.of(team).await?, rows))
    }

    async fn usage(&self, team: TeamId, month: Month) -> Result<u64, StoreError> {
        self.queries.usage(team, month).await
    }

    async fn repeats(&self, team: TeamId, month: Month) -> Result<Vec<AgentRepeats>, StoreError> {
        let mut rows = self.queries.repeats(team, month).await?;
        let names = self.names.of(team).await?;
        if !names.is_empty() {
            rows.iter_mut().for_each(|row| row.agent = names.name(&row.agent).clone());
            rows.sort_by(|one, other| one.agent.cmp(&other.agent));
        }
        Ok(rows)
    }

    async fn sums_by_agent(
        &self,
        team: TeamId,
        from: Timestamp,
        runs_max: usize,
        now: Timestamp,
    ) -> Result<AgentSums, StoreError> {
        let sums = self.queries.sums_by_agent(team, from, runs_max, now).await?;
        let names = self.names.of(team).await?;
        Ok(if names.is_empty() { sums } else { sums.named(|key| names.name_of_text(key).to_owned()) })
    }

    async fn spend(&self, team: TeamId, month: Month, now: Timestamp) -> Result<Spend, StoreError> {
        let mut spend = self.queries.spend(team, month, now).await?;
        let names = self.names.of(team).await?;
        if !names.is_empty() {
            for name in spend.by_agent.iter_mut().filter_map(|row| row.name.as_mut()) {
                *name = names.name_of_text(name).to_owned();
            }
            spend.by_agent.sort_by(|one, other| other.cost.cmp(&one.cost).then_with(|| one.name.cmp(&other.name)));
        }
        Ok(spend)
    }
}
