//! What renamed agents are called, for commands: read from `settings.db`, which belongs to the service's process.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{OptionalExtension, params};
use tidegate_agentping::{AgentNames, TeamId};
use tidegate_agentping_ports::{NamesDoc, NamesOfTeams};
use tidegate_ports::StoreError;

use crate::folder::{DataFolder, SETTINGS};
use crate::sqlite;
use crate::sqlite::failure::{broken_off, cannot_open, failure};

/// The names of a folder's teams, also while a service runs on it.
#[derive(Clone, Debug)]
pub struct FolderNames {
    settings: PathBuf,
}

impl FolderNames {
    pub fn of(folder: &DataFolder) -> Self {
        FolderNames { settings: folder.file(SETTINGS) }
    }
}

#[async_trait]
impl NamesOfTeams for FolderNames {
    async fn of(&self, team: TeamId) -> Result<Arc<AgentNames>, StoreError> {
        let settings = self.settings.clone();
        let read = tokio::task::spawn_blocking(move || read(&settings, team));
        read.await.map_err(|error| StoreError::Unavailable(broken_off("a read", error)))?
    }
}

/// A folder that no service has run on has no settings.
fn read(settings: &Path, team: TeamId) -> Result<Arc<AgentNames>, StoreError> {
    if !settings.exists() {
        return Ok(Arc::default());
    }
    let connection = sqlite::open_reader(settings, SETTINGS)
        .map_err(|error| cannot_open(error, StoreError::Broken, StoreError::Unavailable))?;
    if !connection.table_exists(None, "documents").map_err(failure)? {
        return Ok(Arc::default());
    }
    let select = "SELECT doc FROM documents WHERE space = ?1 AND kind = ?2 AND name = ?3";
    let space = team.text();
    let values = params![space.as_str(), NamesDoc::KIND, NamesDoc::NAME];
    let found = connection.query_row(select, values, |row| row.get::<_, Vec<u8>>(0)).optional().map_err(failure)?;
    found.map_or_else(|| Ok(Arc::default()), |doc| NamesDoc::names(&doc))
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use tidegate_kernel::{Id, Region};

    use super::*;
    use crate::sqlite::SqliteError;

    #[test]
    fn settings_that_are_damaged_are_broken_and_those_that_are_not_there_have_no_names() {
        let place = tempfile::tempdir().expect("a folder");
        let settings = place.path().join("settings.db");
        let team: TeamId = Id::from_bits(Region::Eu, 9);
        assert!(read(&settings, team).is_ok());
        std::fs::write(&settings, "no database".repeat(1_000)).expect("written");
        let error = read(&settings, team).map(drop).expect_err("damaged");
        let StoreError::Broken(cause) = &error else { panic!("{error:?}") };
        assert!(cause.source().is_some_and(|source| source.is::<SqliteError>()), "{error}");
    }
}
