//! Commands of operators, from a second process to the one that owns the folder: only the owner writes the log.
//!
//! The second process puts a command into the inbox and waits for its attempt's fact, which it reads from the store opened
//! [for reading only](super::EmbeddedCommandStore::open_read_only). The owner appends what waits, and removes it then. After a
//! crash in between it appends the command again; an attempt is decided once.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use rusqlite::{Connection, params};
use tidegate_kernel::LogKey;
use tidegate_ports::StoreError;

use crate::folder::{DataFolder, FolderError, INBOX, OwnedFolder};
use crate::sqlite::failure::{broken_off, failure};
use crate::sqlite::values::signed;
use crate::sqlite::{self, Migrations, SqliteError};

/// Steps are only ever added. No number is used twice.
const MIGRATIONS: &Migrations = &["
CREATE TABLE posted (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    identity BLOB NOT NULL,
    owner TEXT NOT NULL,
    command BLOB NOT NULL
) STRICT;
"];

/// How a command-line process gets a command decided.
#[derive(Debug)]
pub enum OperatorRoute {
    /// No process owned the folder. This one does now: it appends and decides by itself.
    Own(OwnedFolder),
    /// Another process owns the folder. If it ends before the command is decided, ask again.
    Inbox(OperatorInbox),
}

impl OperatorRoute {
    /// Owns the folder if no process does.
    ///
    /// # Errors
    /// [`FolderError`]; never [`FolderError::InUse`].
    pub fn of(folder: &DataFolder) -> Result<Self, FolderError> {
        match folder.own() {
            Ok(owned) => Ok(OperatorRoute::Own(owned)),
            Err(FolderError::InUse { .. }) => Ok(OperatorRoute::Inbox(OperatorInbox::open(folder)?)),
            Err(error) => Err(error),
        }
    }
}

/// The inbox of a folder. Clones share the connection.
#[derive(Clone, Debug)]
pub struct OperatorInbox {
    connection: Arc<Mutex<Connection>>,
}

/// A command that waits to be appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostedCommand {
    /// Its number in the inbox.
    pub number: i64,
    pub key: LogKey,
    /// As it will be on the log.
    pub command: Bytes,
}

impl OperatorInbox {
    /// Opens the folder's file; no lock on the folder is needed. Once in a process: what else needs it has a clone.
    ///
    /// # Errors
    /// [`SqliteError`]: missing, damaged, newer, or another's.
    pub fn open(folder: &DataFolder) -> Result<Self, SqliteError> {
        let connection = sqlite::open(&folder.file(INBOX), INBOX, MIGRATIONS)?;
        Ok(OperatorInbox { connection: Arc::new(Mutex::new(connection)) })
    }

    /// Puts a command for the owner with this identity and text of its log key ([`LogKey::new`]). It is on disk then.
    ///
    /// # Errors
    /// [`StoreError`]; put it again.
    pub async fn put(&self, identity: &[u8], owner: &str, command: Bytes) -> Result<(), StoreError> {
        let (identity, owner) = (identity.to_vec(), owner.to_owned());
        self.on_connection(move |connection| {
            let insert = "INSERT INTO posted (identity, owner, command) VALUES (?1, ?2, ?3)";
            connection.execute(insert, params![identity, owner, &command[..]]).map(drop)
        })
        .await
    }

    /// What waits, in the order of puts, at most `limit`. It stays until it is [removed](Self::remove).
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn waiting(&self, limit: usize) -> Result<Vec<PostedCommand>, StoreError> {
        self.on_connection(move |connection| {
            let mut waiting = connection
                .prepare_cached("SELECT number, identity, owner, command FROM posted ORDER BY number LIMIT ?1")?;
            let posted = waiting.query_map([signed(limit as u64)], |row| {
                let (identity, owner): (Vec<u8>, String) = (row.get(1)?, row.get(2)?);
                let command = row.get::<_, Vec<u8>>(3)?.into();
                Ok(PostedCommand { number: row.get(0)?, key: LogKey::new(&identity, &[&owner]), command })
            })?;
            posted.collect()
        })
        .await
    }

    /// Removes a command that was appended, or can never be. Removing it again changes nothing.
    ///
    /// # Errors
    /// [`StoreError`]; until it is removed, it waits.
    pub async fn remove(&self, number: i64) -> Result<(), StoreError> {
        let delete = move |connection: &Connection| {
            connection.execute("DELETE FROM posted WHERE number = ?1", [number]).map(drop)
        };
        self.on_connection(delete).await
    }

    async fn on_connection<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let connection = self.connection.clone();
        let worked = tokio::task::spawn_blocking(move || {
            // Each statement is a transaction of its own: a panic leaves nothing half done.
            work(&connection.lock().unwrap_or_else(PoisonError::into_inner))
        });
        worked
            .await
            .map_err(|error| StoreError::Unavailable(broken_off("a call of the inbox", error)))?
            .map_err(failure)
    }
}
