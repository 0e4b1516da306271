//! Names of renamed agents at the edges of what is stored: each port that takes or shows names, over one that knows
//! [keys](tidegate_agentping::names).
//!
//! A team's renames are one document among those of what it sets, so that a rename and what moves with it are one write.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tidegate_agentping::{AgentNames, CredentialHash, Rename, TeamId};
use tidegate_ports::{Documents, FailureCause, FailureKind, StoreError};

use crate::{CredentialRecord, Credentials};

mod registry;
mod runs;

pub use registry::NamedRegistry;
pub use runs::NamedRuns;

/// A team's renames, the first one first. Only ever added to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamesDoc {
    pub renames: Vec<Rename>,
}

impl NamesDoc {
    /// The kind of the document.
    pub const KIND: &'static str = "names";
    /// Its name.
    pub const NAME: &'static str = "";
    /// Renames of a team at most: they are read with each credential.
    pub const MAX_RENAMES: usize = 500;

    /// What the document comes to.
    ///
    /// # Errors
    /// [`StoreError::Broken`]: it is damaged, or of a later release.
    pub fn names(doc: &[u8]) -> Result<Arc<AgentNames>, StoreError> {
        let broken = |error| {
            let cause = format!("the names of renamed agents cannot be read: {error}");
            StoreError::Broken(FailureCause::new(FailureKind::Broken, cause))
        };
        let doc: NamesDoc = serde_json::from_slice(doc).map_err(broken)?;
        Ok(Arc::new(AgentNames::of(&doc.renames)))
    }
}

/// Knows what the names of teams' agents mean.
#[async_trait]
pub trait NamesOfTeams: Send + Sync + 'static {
    /// As it is stored now.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn of(&self, team: TeamId) -> Result<Arc<AgentNames>, StoreError>;
}

/// Reads it from what teams set. What has not changed since it was read is shared: a team may have thousands of credentials.
pub struct StoredNames {
    documents: Arc<dyn Documents>,
    /// By team: what the version of its document that was read last came to.
    read: Mutex<HashMap<TeamId, (u64, Arc<AgentNames>)>>,
    /// Of every team without a rename.
    none: Arc<AgentNames>,
}

/// Teams whose names are shared at most. Beyond it all are forgotten, and read anew.
const MOST_TEAMS: usize = 10_000;

impl StoredNames {
    pub fn new(documents: Arc<dyn Documents>) -> Self {
        StoredNames { documents, read: Mutex::default(), none: Arc::default() }
    }
}

impl StoredNames {
    fn read(&self) -> std::sync::MutexGuard<'_, HashMap<TeamId, (u64, Arc<AgentNames>)>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl NamesOfTeams for StoredNames {
    async fn of(&self, team: TeamId) -> Result<Arc<AgentNames>, StoreError> {
        let found = self.documents.get(team.text().as_str(), NamesDoc::KIND, NamesDoc::NAME).await?;
        let Some(document) = found else { return Ok(Arc::clone(&self.none)) };
        if let Some((version, names)) = self.read().get(&team)
            && *version == document.version
        {
            return Ok(Arc::clone(names));
        }
        let names = NamesDoc::names(&document.doc)?;
        let mut read = self.read();
        if read.len() >= MOST_TEAMS {
            read.clear();
        }
        read.insert(team, (document.version, Arc::clone(&names)));
        Ok(names)
    }
}

/// Credentials with what the names of their teams' agents mean: front doors learn both with one look-up, and keep both for
/// as long.
pub struct NamedCredentials {
    credentials: Arc<dyn Credentials>,
    names: Arc<dyn NamesOfTeams>,
}

impl NamedCredentials {
    pub fn new(credentials: Arc<dyn Credentials>, names: Arc<dyn NamesOfTeams>) -> Self {
        NamedCredentials { credentials, names }
    }
}

#[async_trait]
impl Credentials for NamedCredentials {
    async fn find(&self, hash: &CredentialHash) -> Result<Option<CredentialRecord>, StoreError> {
        let Some(found) = self.credentials.find(hash).await? else { return Ok(None) };
        let names = self.names.of(found.team).await?;
        Ok(Some(CredentialRecord { names, ..found }))
    }
}
