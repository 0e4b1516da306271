//! What an API of commands keeps in its folder: `store.db` is a function of the log, `keys.db` is what no log has, and
//! `inbox.db` takes the commands of operators while another process owns the folder.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::folder::{COMMAND_STORE, DataFolder, OwnedFolder};
use crate::sqlite::SqliteError;
use crate::store_file::StoreFile;

mod accounts;
mod begun;
mod books;
mod cleanup;
mod deliveries;
mod due;
mod facts;
pub mod inbox;
pub mod keys;
#[cfg(test)]
mod plans;
mod releases;
mod schema;
mod tables;
mod views;
mod voids;
mod work;

pub use cleanup::Expired;

use tables::CommandTables;

/// The books, facts, views, due times, deliveries and accounts of an API on `store.db`. Clones share it.
///
/// Each call is a transaction of its own, and none is synced by itself: settling an account makes all before it durable
/// (docs/adr/0017-saves-are-synced-by-the-settlement.md). A file that lost its end is made whole from the log, see
/// [`reconcile_commands`](crate::reconcile_commands).
#[derive(Clone)]
pub struct EmbeddedCommandStore {
    file: StoreFile<CommandTables>,
    /// Wakes the tasks that wait for a fact.
    added: Arc<Notify>,
}

impl EmbeddedCommandStore {
    /// Opens the store of a folder that this process owns.
    ///
    /// # Errors
    /// [`SqliteError`]: missing, damaged, newer, or another's.
    pub fn open(folder: &OwnedFolder) -> Result<Self, SqliteError> {
        let file = StoreFile::open(folder, COMMAND_STORE, schema::MIGRATIONS, CommandTables)?;
        Ok(EmbeddedCommandStore { file, added: Arc::default() })
    }

    /// Opens the store for reading only, while another process may own the folder. Reads see what was written last, and
    /// every write is refused.
    ///
    /// # Errors
    /// [`SqliteError`]; [`SqliteError::OtherVersion`], too, where no service was ever started on the folder.
    pub fn open_read_only(folder: &DataFolder) -> Result<Self, SqliteError> {
        let file = StoreFile::open_read_only(folder, COMMAND_STORE, schema::MIGRATIONS)?;
        Ok(EmbeddedCommandStore { file, added: Arc::default() })
    }
}
