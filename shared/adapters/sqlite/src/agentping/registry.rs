//! The registry on `registry.db`: teams, credentials, rates, and the agents that ping tokens were made for.
//!
//! Management commands open it from a second process while the service runs; SQLite's locks keep the two apart, and
//! a change waits for the other process for a few seconds.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use rusqlite::{Connection, Row, Transaction};
use serde::Serialize;
use tidegate_agentping::rates::RateRow;
use tidegate_agentping::{CredentialHash, KeyId, Plan, RateCard, Slug, TeamId, TokenId};
use tidegate_agentping_ports::{
    AgentRow, CredentialRecord, Credentials, KeyRow, Rates, Registry, RegistryError, Team, TokenRow,
};
use tidegate_kernel::Timestamp;
use tidegate_ports::StoreError;

use crate::agentping::store::queries;
use crate::folder::{DataFolder, REGISTRY, STORE};
use crate::guards::{Acknowledged, FileGuard, GuardedFile, Refused};
use crate::sqlite::failure::{broken_off, unreadable};
use crate::sqlite::{self, SqliteError};
use crate::store_file::readers::Readers;

mod agents;
mod change;
mod credentials;
mod schema;
mod teams;

use change::{Unmade, in_transaction};

const READERS: usize = 2;

/// The registry ports on `registry.db`.
#[derive(Clone)]
pub struct EmbeddedRegistry {
    readers: Readers,
    writer: Arc<Mutex<(Connection, FileGuard)>>,
    /// Where the store's file is, if there is one: agents with runs count towards the cap too.
    store: PathBuf,
}

impl EmbeddedRegistry {
    /// Opens the folder's file; no lock on the folder is needed.
    ///
    /// # Errors
    /// [`SqliteError`]: missing, damaged, newer, or another's.
    pub fn open(folder: &DataFolder) -> Result<Self, SqliteError> {
        let path = folder.file(REGISTRY);
        let writer = FileGuard::open(&GuardedFile {
            path: &path,
            kind: REGISTRY,
            migrations: schema::MIGRATIONS,
            acknowledged: Some(Acknowledged {
                what: "changes",
                else_way: ", or remove registry.mark to go on without what is missing",
                count: &schema::changes_in,
            }),
            // Only who owns the folder can refuse it, and the registry is opened without owning it.
            refused: Refused::default(),
        })?;
        Ok(EmbeddedRegistry {
            readers: Readers::open(&path, REGISTRY, READERS)?,
            writer: Arc::new(Mutex::new(writer)),
            store: folder.file(STORE),
        })
    }

    /// All agents of the team, by slug; `seen` are those of runs.
    pub(crate) async fn agents(&self, team: TeamId, seen: Vec<AgentRow>) -> Result<Vec<AgentRow>, StoreError> {
        self.readers.read(move |connection| agents::all(connection, team, seen)).await
    }

    /// Agents that were archived after that number, each with its number, in order. For a cache of agents.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn archived_after(&self, number: i64) -> Result<Vec<(i64, TeamId, Slug)>, StoreError> {
        self.readers.read(move |connection| agents::archived_after(connection, number)).await
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Unmade> + Send + 'static,
    ) -> Result<T, RegistryError> {
        let answer = self.readers.read(move |connection| match work(connection) {
            Ok(found) => Ok(Ok(found)),
            Err(Unmade::Rule(error)) => Ok(Err(error)),
            Err(Unmade::Sqlite(error)) => Err(error),
        });
        answer.await?
    }

    async fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Unmade> + Send + 'static,
    ) -> Result<T, RegistryError> {
        let writer = Arc::clone(&self.writer);
        let made = tokio::task::spawn_blocking(move || {
            let (connection, guard) = &mut *writer.lock().unwrap_or_else(PoisonError::into_inner);
            let (made, changes) = in_transaction(connection, work)?;
            guard.acknowledge(changes);
            Ok::<T, Unmade>(made)
        });
        Ok(made.await.map_err(|error| StoreError::Unavailable(broken_off("a change", error)))??)
    }
}

#[async_trait]
impl Credentials for EmbeddedRegistry {
    async fn find(&self, hash: &CredentialHash) -> Result<Option<CredentialRecord>, StoreError> {
        let hash = *hash;
        self.readers.read(move |connection| credentials::find(connection, &hash)).await
    }
}

#[async_trait]
impl Rates for EmbeddedRegistry {
    async fn own_rates(&self, team: TeamId) -> Result<Arc<RateCard>, StoreError> {
        let rows = self.readers.read(move |connection| teams::rates(connection, team)).await?;
        Ok(Arc::new(rows.into_iter().collect()))
    }
}

#[async_trait]
impl Registry for EmbeddedRegistry {
    async fn create_team(&self, team: Team) -> Result<(), RegistryError> {
        self.change(move |change| teams::create(change, &team)).await
    }

    async fn list_teams(&self) -> Result<Vec<Team>, RegistryError> {
        self.read(|connection| Ok(teams::list(connection)?)).await
    }

    async fn set_plan(&self, team: TeamId, plan: Plan) -> Result<(), RegistryError> {
        self.change(move |change| teams::set_plan(change, team, plan)).await
    }

    async fn rename_team(&self, team: TeamId, name: String) -> Result<(), RegistryError> {
        self.change(move |change| teams::rename(change, team, &name)).await
    }

    async fn set_archived(&self, team: TeamId, at: Option<Timestamp>) -> Result<(), RegistryError> {
        self.change(move |change| teams::set_archived(change, team, at)).await
    }

    async fn list_agents(&self, team: TeamId) -> Result<Vec<AgentRow>, RegistryError> {
        let store = self.store.clone();
        self.read(move |connection| {
            change::plan_of(connection, team)?;
            Ok(agents::all(connection, team, agents_with_runs(&store, team))?)
        })
        .await
    }

    async fn create_agent(&self, team: TeamId, agent: Slug, at: Timestamp) -> Result<(), RegistryError> {
        let store = self.store.clone();
        self.change(move |change| match agents::take_slot(change, team, &agent, at, agents_with_runs(&store, team))? {
            true => Ok(()),
            false => Err(RegistryError::Exists { what: "agent", id: agent.to_string() }.into()),
        })
        .await
    }

    async fn archive_agent(&self, team: TeamId, agent: Slug, at: Timestamp) -> Result<(), RegistryError> {
        self.change(move |change| agents::archive(change, team, &agent, at)).await
    }

    async fn create_key(&self, row: KeyRow, hash: CredentialHash) -> Result<(), RegistryError> {
        self.change(move |change| credentials::create_key(change, &row, &hash)).await
    }

    async fn list_keys(&self, team: TeamId) -> Result<Vec<KeyRow>, RegistryError> {
        self.read(move |connection| credentials::keys(connection, team)).await
    }

    async fn revoke_key(&self, key: KeyId, at: Timestamp) -> Result<(), RegistryError> {
        self.change(move |change| credentials::revoke(change, "key", key, at)).await
    }

    /// The agents counted towards the cap are those in here and, where `store.db` can be read, those with runs.
    async fn create_token(&self, row: TokenRow, hash: CredentialHash) -> Result<(), RegistryError> {
        let store = self.store.clone();
        self.change(move |change| credentials::create_token(change, &row, &hash, agents_with_runs(&store, row.team)))
            .await
    }

    async fn list_tokens(&self, team: TeamId) -> Result<Vec<TokenRow>, RegistryError> {
        self.read(move |connection| credentials::tokens(connection, team)).await
    }

    async fn revoke_token(&self, token: TokenId, at: Timestamp) -> Result<(), RegistryError> {
        self.change(move |change| credentials::revoke(change, "token", token, at)).await
    }

    async fn rotate_token(
        &self,
        old: TokenId,
        old_expires_at: Timestamp,
        new: TokenId,
        new_hash: CredentialHash,
        now: Timestamp,
    ) -> Result<TokenRow, RegistryError> {
        self.change(move |change| credentials::rotate_token(change, old, old_expires_at, new, &new_hash, now)).await
    }

    async fn undo_rotation(
        &self,
        old: TokenId,
        old_expires_at: Timestamp,
        new: TokenId,
        at: Timestamp,
    ) -> Result<(), RegistryError> {
        self.change(move |change| credentials::undo_rotation(change, old, old_expires_at, new, at)).await
    }

    async fn set_rate(&self, team: TeamId, row: RateRow) -> Result<(), RegistryError> {
        self.change(move |change| teams::set_rate(change, team, &row)).await
    }

    async fn list_rates(&self, team: TeamId) -> Result<Vec<RateRow>, RegistryError> {
        self.read(move |connection| {
            change::plan_of(connection, team)?;
            Ok(teams::rates(connection, team)?)
        })
        .await
    }
}

/// Read from the store's file, which belongs to the service's process: for reading only, and best effort. Without
/// an answer only the registry's own agents count.
fn agents_with_runs(store: &Path, team: TeamId) -> Vec<AgentRow> {
    let rows = sqlite::open_reader(store, STORE).map(|connection| queries::agents(&connection, team));
    rows.ok().and_then(Result::ok).unwrap_or_default()
}

fn plan_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Plan> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| unreadable(column, error))
}

fn slug_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Slug> {
    let text: String = row.get(column)?;
    Slug::parse(&text).map_err(|error| unreadable(column, error))
}

fn json<T: Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}
