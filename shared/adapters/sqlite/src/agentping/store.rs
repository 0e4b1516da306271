//! The store on `store.db`: runs, their events, what follows from them, and the accounts of records.
//!
//! One thread writes, one transaction per commit, synced with the accounts; reads go through connections of their own.
//! Two pools, so that no listing makes the persister or the front door wait.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_agentping::{EventId, Run, RunId, RunKey, Slug, TeamId};
use tidegate_agentping_ports::{
    AgentRepeats, AgentRow, AgentSums, Agents, EventPage, EventsPage, RunFilter, RunPage, RunQueries, RunWanted,
    RunWrite, Runs, RunsPage, Spend, StoredRun, StoredSummary,
};
use tidegate_kernel::{Month, Timestamp};
use tidegate_ports::StoreError;

use crate::agentping::registry::EmbeddedRegistry;
use crate::folder::{OwnedFolder, STORE};
use crate::sqlite::SqliteError;
use crate::store_file::StoreFile;

mod accounts;
mod columns;
mod event_pages;
mod events;
mod feed;
mod follow_ups;
pub(crate) mod id_blob;
mod listing;
mod load;
mod notes;
#[cfg(test)]
mod plans;
mod purge;
pub(crate) mod queries;
mod repeats;
mod run_row;
mod save;
mod schema;
mod status_columns;
mod tables;
mod team_number;
mod work;

use listing::Listing;
#[cfg(test)]
pub(crate) use schema::MIGRATIONS;
pub(crate) use tables::RunTables;
pub(crate) use work::Work;

/// The store ports on `store.db`. Only the process that owns the folder opens it.
#[derive(Clone)]
pub struct EmbeddedStore {
    file: StoreFile<RunTables>,
    /// Has the agents that ping tokens were made for.
    registry: EmbeddedRegistry,
}

impl EmbeddedStore {
    /// Opens the folder's file. `registry` adds the agents that have no runs yet.
    ///
    /// # Errors
    /// [`SqliteError`]: missing, damaged, newer, or another's.
    pub fn open(folder: &OwnedFolder, registry: EmbeddedRegistry) -> Result<Self, SqliteError> {
        let file = StoreFile::open(folder, STORE, schema::MIGRATIONS, RunTables::default())?;
        Ok(EmbeddedStore { file, registry })
    }
}

#[async_trait]
impl Runs for EmbeddedStore {
    async fn load(&self, wanted: &[RunWanted]) -> Result<Vec<StoredRun>, StoreError> {
        let wanted = wanted.to_vec();
        self.file.by_key.read(move |connection| load::load(connection, &wanted)).await
    }

    /// One transaction for the whole call.
    async fn save(&self, writes: Arc<Vec<RunWrite>>) -> Result<(), StoreError> {
        self.file.write(Work::Runs(writes)).await
    }

    async fn purge_orphans(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.file.delete(move |connection| purge::purge(connection, before, limit)).await
    }
}

#[async_trait]
impl StoredSummary for EmbeddedStore {
    async fn stored(&self, wanted: RunWanted) -> Result<StoredRun, StoreError> {
        let loaded =
            self.file.by_key.read(move |connection| load::load(connection, std::slice::from_ref(&wanted))).await?;
        Ok(loaded.into_iter().next().unwrap_or_default())
    }

    async fn event_owners(&self, team: TeamId, events: &[EventId]) -> Result<Vec<(EventId, RunId, u64)>, StoreError> {
        let events = events.to_vec();
        self.file.by_key.read(move |connection| events::owners(connection, team, &events)).await
    }
}

#[async_trait]
impl RunQueries for EmbeddedStore {
    async fn run(&self, key: RunKey) -> Result<Option<Run>, StoreError> {
        self.file.queries.read(move |connection| queries::run(connection, key)).await
    }

    async fn events(&self, key: RunKey, page: &EventPage) -> Result<EventsPage, StoreError> {
        let page = *page;
        self.file.queries.read(move |connection| event_pages::page(connection, key, &page)).await
    }

    async fn list(
        &self,
        team: TeamId,
        filter: &RunFilter,
        page: &RunPage,
        now: Timestamp,
    ) -> Result<RunsPage, StoreError> {
        let mut listing = Listing::begin(team, filter, page, now);
        while !listing.done {
            listing = self.file.queries.read(move |connection| listing.advance(connection)).await?;
        }
        Ok(listing.found)
    }

    async fn agents(&self, team: TeamId) -> Result<Vec<AgentRow>, StoreError> {
        let seen = self.file.queries.read(move |connection| queries::agents(connection, team)).await?;
        self.registry.agents(team, seen).await
    }

    async fn usage(&self, team: TeamId, month: Month) -> Result<u64, StoreError> {
        self.file.queries.read(move |connection| queries::usage(connection, team, month)).await
    }

    async fn repeats(&self, team: TeamId, month: Month) -> Result<Vec<AgentRepeats>, StoreError> {
        self.file.queries.read(move |connection| repeats::of_month(connection, team, month)).await
    }

    async fn sums_by_agent(
        &self,
        team: TeamId,
        from: Timestamp,
        runs_max: usize,
        now: Timestamp,
    ) -> Result<AgentSums, StoreError> {
        self.file.queries.read(move |connection| queries::sums_by_agent(connection, team, from, runs_max, now)).await
    }

    async fn spend(&self, team: TeamId, month: Month, now: Timestamp) -> Result<Spend, StoreError> {
        self.file.queries.read(move |connection| queries::spend(connection, team, month, now)).await
    }
}

#[async_trait]
impl Agents for EmbeddedStore {
    async fn slugs(&self, team: TeamId) -> Result<Vec<Slug>, StoreError> {
        let rows = self.agents(team).await?.into_iter().filter(|row| !row.is_archived());
        Ok(rows.map(|row| row.slug).collect())
    }
}
