//! Whether deciding a command has begun, read from what is stored.

use rusqlite::{Connection, params};
use tidegate_kernel::{LogKey, Position};
use tidegate_ports::StoreError;

use super::EmbeddedCommandStore;

/// A due time does not name its partition; its shard does.
const BEGUN: &str = "SELECT \
     EXISTS (SELECT 1 FROM books WHERE partition = ?1 AND (generation, offset) >= (?2, ?3)) \
     OR EXISTS (SELECT 1 FROM facts WHERE partition = ?1 AND (generation, offset) >= (?2, ?3)) \
     OR EXISTS (SELECT 1 FROM views WHERE partition = ?1 AND written_at >= ?4) \
     OR EXISTS (SELECT 1 FROM due WHERE (?5 = 0 OR shard % ?5 = ?1) AND written_at >= ?4)";

impl EmbeddedCommandStore {
    /// Whether something is stored that follows from the command at this position, or from a later one of its
    /// partition; `partitions`: of the log. Deliveries have no position: what is decided with one changes a row, too.
    ///
    /// Says nothing of what a process writes that owns the folder. Reads the tables whole.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn has_begun(&self, from: Position, partitions: u32) -> Result<bool, StoreError> {
        self.file.queries.read(move |connection| has_begun(connection, from, partitions)).await
    }
}

fn has_begun(connection: &Connection, from: Position, partitions: u32) -> rusqlite::Result<bool> {
    let Position { generation, partition, offset } = from;
    let partitions = partitions.max(1);
    // Each shard has the owners of one partition, if the number of partitions divides that of shards; else of any.
    let divisor = if u32::from(LogKey::SHARDS).is_multiple_of(partitions) { partitions } else { 0 };
    let values = params![partition, generation, offset, from.write_timestamp(), divisor];
    connection.query_one(BEGUN, values, |row| row.get(0))
}
