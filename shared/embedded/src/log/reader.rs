//! Reads records from the file: for consumers that are behind, lag readings and retention.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use rusqlite::{Connection, Error, ErrorCode, OptionalExtension};
use tidegate_domain::{Partition, Position, Timestamp};
use tidegate_ports::{Consumed, LogError};

use super::schema::{self, GENERATION, offset_of, record_id};
use crate::folder;
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
        let read = || {
            let connection = self.connection();
            let mut statement = connection.prepare_cached(schema::READ)?;
            let mut rows = statement.query([record_id(partition, from), record_id(partition, until)])?;
            let (mut records, mut bytes) = (Vec::new(), 0);
            while let Some(row) = rows.next()? {
                let payload = row.get_ref(2)?.as_blob()?;
                bytes += payload.len();
                if bytes > max_bytes && !records.is_empty() {
                    break;
                }
                let position = Position { generation: GENERATION, partition, offset: offset_of(row.get(0)?) };
                let appended_at = Timestamp::from_millis(row.get(1)?);
                records.push(Consumed::plain(position, appended_at, Bytes::copy_from_slice(payload)));
            }
            Ok(records)
        };
        read().map_err(|error| log_error(&error))
    }

    /// When the first record of `[from, until)` was appended.
    pub fn appended_at(&self, partition: Partition, from: i64, until: i64) -> Result<Option<Timestamp>, LogError> {
        let read = || {
            let connection = self.connection();
            let mut statement = connection.prepare_cached(schema::APPENDED_AT)?;
            let range = [record_id(partition, from), record_id(partition, until)];
            statement.query_row(range, |row| row.get(0).map(Timestamp::from_millis)).optional()
        };
        read().map_err(|error| log_error(&error))
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic in a read leaves the connection as it was.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether retrying can help.
pub(super) fn log_error(error: &Error) -> LogError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => LogError::Broken(error.to_string()),
        _ => LogError::Unavailable(error.to_string()),
    }
}
