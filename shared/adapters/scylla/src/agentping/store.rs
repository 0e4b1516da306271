//! The store ports over CQL: runs, their events, derived rows, and the accounts of records.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_agentping::{EventId, Run, RunId, RunKey, Slug, TeamId};
use tidegate_agentping_ports::{
    AgentRepeats, AgentRow, AgentSums, Agents, EventPage, EventsPage, RunFilter, RunPage, RunQueries, RunWanted,
    RunWrite, Runs, RunsPage, Spend, StoredRun, StoredSummary,
};
use tidegate_kernel::{Month, Partition, Timestamp};
use tidegate_ports::{Account, Accounts, Halt, StoreError};

use crate::agentping::AgentPingCql;
use crate::agentping::registry::ScyllaRegistry;

mod derived;
mod event_owners;
mod event_pages;
mod feed;
mod follow_ups;
mod layout;
mod listing;
mod listing_cell;
mod load;
mod loaded;
mod missing;
mod notes;
mod orphans;
mod queries;
mod refused;
mod remembered;
mod save;
mod slots;

use loaded::Loaded;
use refused::RefusedRuns;
use remembered::Remembered;

/// The store of runs and their derived rows. Cheap to clone.
#[derive(Clone)]
pub struct ScyllaStore {
    cql: AgentPingCql,
    /// The registry, which has the agents of ping tokens.
    registry: ScyllaRegistry,
    remembered: Arc<Remembered>,
    loaded: Arc<Loaded>,
    refused: Arc<RefusedRuns>,
}

impl ScyllaStore {
    pub fn new(cql: AgentPingCql) -> Self {
        let registry = ScyllaRegistry::new(cql.clone());
        ScyllaStore { cql, registry, remembered: Arc::default(), loaded: Arc::default(), refused: Arc::default() }
    }
}

#[async_trait]
impl Runs for ScyllaStore {
    async fn load(&self, wanted: &[RunWanted]) -> Result<Vec<StoredRun>, StoreError> {
        self.load_all(wanted.to_vec()).await
    }

    async fn save(&self, writes: Arc<Vec<RunWrite>>) -> Result<(), StoreError> {
        self.save_all(writes).await
    }

    async fn starts(&self) -> Result<u64, StoreError> {
        self.cql.starts().await
    }

    async fn missing_rows(&self, wanted: &[RunWanted]) -> Result<Vec<u128>, StoreError> {
        self.missing(wanted.to_vec()).await
    }

    async fn purge_orphans(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.purge(before, limit).await
    }
}

#[async_trait]
impl Accounts for ScyllaStore {
    async fn settle(&self, account: Account) -> Result<(), StoreError> {
        self.cql.settle(account).await
    }

    async fn account(&self, generation: u16, partition: Partition) -> Result<Option<Account>, StoreError> {
        self.cql.account(generation, partition).await
    }

    async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        self.cql.accounts().await
    }

    async fn halt(&self, halt: Halt) -> Result<(), StoreError> {
        self.cql.halt(halt).await
    }

    async fn halts(&self) -> Result<Vec<Halt>, StoreError> {
        self.cql.halts().await
    }
}

#[async_trait]
impl StoredSummary for ScyllaStore {
    async fn stored(&self, wanted: RunWanted) -> Result<StoredRun, StoreError> {
        self.load_one(&wanted).await
    }

    async fn event_owners(&self, team: TeamId, events: &[EventId]) -> Result<Vec<(EventId, RunId, u64)>, StoreError> {
        self.owners_of(team, events.to_vec()).await
    }
}

#[async_trait]
impl RunQueries for ScyllaStore {
    async fn run(&self, key: RunKey) -> Result<Option<Run>, StoreError> {
        let summary = self.summary(key).await?;
        Ok(summary.map(|summary| summary.run).filter(|run| run.opening().is_some()))
    }

    async fn events(&self, key: RunKey, page: &EventPage) -> Result<EventsPage, StoreError> {
        self.events_of(key, page).await
    }

    async fn list(
        &self,
        team: TeamId,
        filter: &RunFilter,
        page: &RunPage,
        now: Timestamp,
    ) -> Result<RunsPage, StoreError> {
        self.list_runs(team, filter, page, now).await
    }

    async fn agents(&self, team: TeamId) -> Result<Vec<AgentRow>, StoreError> {
        self.registry.all_agents(team).await
    }

    async fn usage(&self, team: TeamId, month: Month) -> Result<u64, StoreError> {
        self.units_in(team, month).await
    }

    async fn repeats(&self, team: TeamId, month: Month) -> Result<Vec<AgentRepeats>, StoreError> {
        self.repeats_in(team, month).await
    }

    async fn sums_by_agent(
        &self,
        team: TeamId,
        from: Timestamp,
        runs_max: usize,
        now: Timestamp,
    ) -> Result<AgentSums, StoreError> {
        self.sums_of_newest(team, from, runs_max, now).await
    }

    async fn spend(&self, team: TeamId, month: Month, now: Timestamp) -> Result<Spend, StoreError> {
        self.spend_in(team, month, now).await
    }
}

#[async_trait]
impl Agents for ScyllaStore {
    async fn slugs(&self, team: TeamId) -> Result<Vec<Slug>, StoreError> {
        let rows = self.agents(team).await?.into_iter().filter(|row| !row.is_archived());
        Ok(rows.map(|row| row.slug).collect())
    }
}
