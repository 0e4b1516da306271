//! The store on `store.db`: runs, their events, what follows from them, and the accounts of records.
//!
//! One thread writes, one transaction per commit, synced with the accounts; reads go through connections of their own.
//! Two pools, so that no listing makes the persister or the front door wait.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::Connection;
use tidegate_agentping::{EventId, Run, RunId, RunKey, Slug, TeamId};
use tidegate_agentping_ports::{
    AgentRepeats, AgentRow, Agents, EventPage, EventsPage, RunFilter, RunPage, RunQueries, RunWanted, RunWrite, Runs,
    RunsPage, Spend, StoredRun, StoredSummary,
};
use tidegate_kernel::{Month, Timestamp};
use tidegate_ports::StoreError;

use crate::folder::{OwnedFolder, STORE};
use crate::guards::{FileGuard, GuardedFile, Refused};
use crate::registry::EmbeddedRegistry;
use crate::sqlite::SqliteError;

mod accounts;
mod columns;
mod event_pages;
mod events;
pub(crate) mod failure;
mod follow_ups;
pub(crate) mod id_blob;
mod listing;
mod load;
#[cfg(test)]
mod plans;
mod purge;
pub(crate) mod queries;
pub(crate) mod readers;
mod repeats;
pub(crate) mod run_row;
mod save;
mod schema;
mod status_columns;
mod team_number;
mod work;
mod writer;
mod writer_state;

use listing::Listing;
use readers::Readers;
use work::Work;
use writer::Writer;

/// Connections for the persister's loads and the front door's single reads.
const KEY_READERS: usize = 2;
/// Connections for the queries of the control API.
const QUERY_READERS: usize = 2;

/// The store ports on `store.db`. Only the process that owns the folder opens it.
#[derive(Clone)]
pub struct EmbeddedStore {
    // Readers are closed before the writer, which folds the WAL back as the last one.
    by_key: Readers,
    queries: Readers,
    writer: Arc<Writer>,
    /// Has the agents that ping tokens were made for.
    registry: EmbeddedRegistry,
    /// The folder stays ours for as long as the store is open. Dropped last.
    _folder: OwnedFolder,
}

impl EmbeddedStore {
    /// Opens the folder's file. `registry` adds the agents that have no runs yet.
    ///
    /// # Errors
    /// [`SqliteError`]: missing, damaged, newer, or another's.
    pub fn open(folder: &OwnedFolder, registry: EmbeddedRegistry) -> Result<Self, SqliteError> {
        let path = folder.folder().file(STORE);
        let (connection, guard) = open_file(&path, folder.refused().clone())?;
        Ok(EmbeddedStore {
            by_key: Readers::open(&path, STORE, KEY_READERS)?,
            queries: Readers::open(&path, STORE, QUERY_READERS)?,
            writer: Arc::new(Writer::start(connection, guard, folder.clone())?),
            registry,
            _folder: folder.clone(),
        })
    }
}

/// What the store acknowledges is on the log too: its high-water mark counts checkpoints only.
fn open_file(path: &Path, refused: Refused) -> Result<(Connection, FileGuard), SqliteError> {
    FileGuard::open(&GuardedFile { path, kind: STORE, migrations: schema::MIGRATIONS, acknowledged: None, refused })
}

#[async_trait]
impl Runs for EmbeddedStore {
    async fn load(&self, wanted: &[RunWanted]) -> Result<Vec<StoredRun>, StoreError> {
        let wanted = wanted.to_vec();
        self.by_key.read(move |connection| load::load(connection, &wanted)).await
    }

    /// One transaction for the whole call.
    async fn save(&self, writes: Arc<Vec<RunWrite>>) -> Result<(), StoreError> {
        self.writer.write(Work::Runs(writes)).await
    }

    async fn purge_orphans(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.writer.purge(before, limit).await
    }
}

#[async_trait]
impl StoredSummary for EmbeddedStore {
    async fn stored(&self, wanted: RunWanted) -> Result<StoredRun, StoreError> {
        let loaded = self.by_key.read(move |connection| load::load(connection, std::slice::from_ref(&wanted))).await?;
        Ok(loaded.into_iter().next().unwrap_or_default())
    }

    async fn event_owners(&self, team: TeamId, events: &[EventId]) -> Result<Vec<(EventId, RunId, u64)>, StoreError> {
        let events = events.to_vec();
        self.by_key.read(move |connection| events::owners(connection, team, &events)).await
    }
}

#[async_trait]
impl RunQueries for EmbeddedStore {
    async fn run(&self, key: RunKey) -> Result<Option<Run>, StoreError> {
        self.queries.read(move |connection| queries::run(connection, key)).await
    }

    async fn events(&self, key: RunKey, page: &EventPage) -> Result<EventsPage, StoreError> {
        let page = *page;
        self.queries.read(move |connection| event_pages::page(connection, key, &page)).await
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
            listing = self.queries.read(move |connection| listing.advance(connection)).await?;
        }
        Ok(listing.found)
    }

    async fn agents(&self, team: TeamId) -> Result<Vec<AgentRow>, StoreError> {
        let seen = self.queries.read(move |connection| queries::agents(connection, team)).await?;
        self.registry.agents(team, seen).await
    }

    async fn usage(&self, team: TeamId, month: Month) -> Result<u64, StoreError> {
        self.queries.read(move |connection| queries::usage(connection, team, month)).await
    }

    async fn repeats(&self, team: TeamId, month: Month) -> Result<Vec<AgentRepeats>, StoreError> {
        self.queries.read(move |connection| repeats::of_month(connection, team, month)).await
    }

    async fn spend(&self, team: TeamId, month: Month, now: Timestamp) -> Result<Spend, StoreError> {
        self.queries.read(move |connection| queries::spend(connection, team, month, now)).await
    }
}

#[async_trait]
impl Agents for EmbeddedStore {
    async fn slugs(&self, team: TeamId) -> Result<Vec<Slug>, StoreError> {
        let rows = self.agents(team).await?.into_iter().filter(|row| !row.is_archived());
        Ok(rows.map(|row| row.slug).collect())
    }
}
