//! Reads records from the file: for consumers that are behind, and for lag readings.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use tidegate_kernel::{Partition, Timestamp};
use tidegate_ports::{Consumed, LogError};

use super::rows;
use crate::folder;
use crate::read_only::log_error;
use crate::sqlite::{self, SqliteError};

/// A connection of its own; its calls block.
pub(super) struct Reader {
    connection: Mutex<Connection>,
}

impl Reader {
    pub fn open(path: &Path) -> Result<Self, SqliteError> {
        Ok(Reader { connection: Mutex::new(sqlite::open_reader(path, folder::LOG)?) })
    }

    /// Records of `[from, until)`, at least one if there are any and then up to about `max_bytes`.
    pub fn records(
        &self,
        partition: Partition,
        from: i64,
        until: i64,
        max_bytes: usize,
    ) -> Result<Vec<Consumed>, LogError> {
        rows::records(&self.connection(), partition, from, until, max_bytes).map_err(log_error)
    }

    /// Reads records of `[from, until)` for their checksums only, up to about `max_bytes`. Returns the next offset.
    pub fn check(&self, partition: Partition, from: i64, until: i64, max_bytes: usize) -> Result<i64, LogError> {
        rows::check(&self.connection(), partition, from, until, max_bytes).map_err(log_error)
    }

    /// When the first record of `[from, until)` was appended.
    pub fn appended_at(&self, partition: Partition, from: i64, until: i64) -> Result<Option<Timestamp>, LogError> {
        rows::appended_at(&self.connection(), partition, from, until).map_err(log_error)
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic in a read leaves the connection as it was.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
