//! Owner keys, void records and releases on `keys.db`: what cannot be made again from the log. Rarely written, so one
//! connection behind a lock is enough. Operator commands open it from a second process while the service runs.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use tidegate_kernel::LogKey;
use tidegate_ports::{OwnerKeys, StoreError};

use crate::folder::{DataFolder, KEYS};
use crate::guards::{Acknowledged, FileGuard, GuardedFile, Refused};
use crate::sqlite::failure::{broken_off, failure};
use crate::sqlite::values::unsigned;
use crate::sqlite::{Migrations, SqliteError};
use crate::store_file::readers::Readers;

/// Steps are only ever added. `wrapped` is NULL where the key was erased. A void
/// from before there were states is in force. `changes` is for the high-water mark.
const MIGRATIONS: &Migrations = &[
    "
CREATE TABLE owner_keys (
    owner TEXT PRIMARY KEY,
    wrapped BLOB
) STRICT, WITHOUT ROWID;

CREATE TABLE voids (
    generation INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    reason TEXT NOT NULL,
    voided_at_ms INTEGER NOT NULL,
    PRIMARY KEY (generation, partition, offset)
) STRICT, WITHOUT ROWID;

CREATE TABLE changes (made INTEGER NOT NULL) STRICT;
INSERT INTO changes VALUES (0);
",
    "
ALTER TABLE voids ADD COLUMN state TEXT NOT NULL DEFAULT 'in_force';
ALTER TABLE voids ADD COLUMN ask_round INTEGER NOT NULL DEFAULT 1;

CREATE TABLE releases (
    name TEXT NOT NULL,
    format INTEGER NOT NULL,
    rules INTEGER NOT NULL,
    seen_at_ms INTEGER NOT NULL,
    PRIMARY KEY (name, format, rules)
) STRICT, WITHOUT ROWID;

CREATE TABLE inabilities (
    generation INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    name TEXT NOT NULL,
    format INTEGER NOT NULL,
    rules INTEGER NOT NULL,
    PRIMARY KEY (generation, partition, offset, name, format, rules)
) STRICT, WITHOUT ROWID;
",
];

const READERS: usize = 1;

/// The owner keys, void records and releases of an API's folder. Every change is synced before it is answered.
#[derive(Clone)]
pub struct EmbeddedKeys {
    pub(super) readers: Readers,
    writer: Arc<Mutex<(Connection, FileGuard)>>,
}

impl EmbeddedKeys {
    /// Opens the folder's file; no lock on the folder is needed. Once in a process: what else needs it has a clone.
    ///
    /// # Errors
    /// [`SqliteError`]: missing, damaged, newer, another's, or shorter than it was.
    pub fn open(folder: &DataFolder) -> Result<Self, SqliteError> {
        let path = folder.file(KEYS);
        let count =
            |connection: &Connection| connection.query_row("SELECT made FROM changes", [], |row| unsigned(row, 0));
        let (connection, guard) = FileGuard::open(&GuardedFile {
            path: &path,
            kind: KEYS,
            migrations: MIGRATIONS,
            acknowledged: Some(Acknowledged { what: "changes", else_way: "", count: &count }),
            // Only who owns the folder can refuse it, and this file is opened without owning it.
            refused: Refused::default(),
        })?;
        // An erased key must not stay in a free page.
        let failed = |source| SqliteError::Sqlite { path: path.clone(), source };
        connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(())).map_err(failed)?;
        let readers = Readers::open(&path, KEYS, READERS)?;
        Ok(EmbeddedKeys { readers, writer: Arc::new(Mutex::new((connection, guard))) })
    }

    pub(super) async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let writer = self.writer.clone();
        let changed = tokio::task::spawn_blocking(move || {
            // A panic rolls the transaction back.
            let (connection, guard) = &mut *writer.lock().unwrap_or_else(PoisonError::into_inner);
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let changed = change(&transaction)?;
            let made = transaction
                .query_one("UPDATE changes SET made = made + 1 RETURNING made", [], |row| unsigned(row, 0))?;
            transaction.commit()?;
            guard.acknowledge(made);
            Ok(changed)
        });
        changed.await.map_err(|error| StoreError::Unavailable(broken_off("a change", error)))?.map_err(failure)
    }

    /// Moves all commits into the file and cuts the write-ahead log, so that it no longer holds what a key was. Where a
    /// reader is at work, a later one does so.
    async fn cut_wal(&self) -> Result<(), StoreError> {
        let writer = self.writer.clone();
        let cut = tokio::task::spawn_blocking(move || {
            let (connection, _) = &*writer.lock().unwrap_or_else(PoisonError::into_inner);
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        });
        cut.await.map_err(|error| StoreError::Unavailable(broken_off("a checkpoint", error)))?.map_err(failure)
    }
}

#[async_trait]
impl OwnerKeys for EmbeddedKeys {
    async fn create(&self, owner: LogKey, wrapped: Vec<u8>) -> Result<(), StoreError> {
        self.change(move |connection| {
            let insert = "INSERT INTO owner_keys (owner, wrapped) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
            connection.execute(insert, params![owner.text(), wrapped]).map(drop)
        })
        .await
    }

    async fn find(&self, owner: LogKey) -> Result<Option<Vec<u8>>, StoreError> {
        self.readers
            .read(move |connection| {
                let mut find = connection.prepare_cached("SELECT wrapped FROM owner_keys WHERE owner = ?1")?;
                Ok(find.query_row([owner.text()], |row| row.get(0)).optional()?.flatten())
            })
            .await
    }

    async fn erase(&self, owner: LogKey) -> Result<(), StoreError> {
        self.change(move |connection| {
            let erase = "INSERT INTO owner_keys (owner, wrapped) VALUES (?1, NULL) \
                         ON CONFLICT DO UPDATE SET wrapped = NULL";
            connection.execute(erase, [owner.text()]).map(drop)
        })
        .await?;
        self.cut_wal().await
    }
}
