//! The tables of `log.db`.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension};
use tidegate_kernel::Partition;

use crate::guards;
use crate::sqlite::Migrations;

/// `records.id` is partition and offset in one integer, so that a record's place is its row id and no index is
/// needed. `trims` keeps offsets going on where all records of a partition are deleted. Vacuuming is off: steady
/// load re-uses the pages that retention frees. `replayed_from` (`generation/partition/offset`) and `attempt` are set
/// on a record that was appended again; on all others they stay NULL, which costs a byte each. `checksum` is that of
/// [`super::rows::checksum`]; records of earlier builds have none.
pub(super) const MIGRATIONS: &Migrations = &[
    "
    CREATE TABLE records (
        id INTEGER PRIMARY KEY,
        appended_at INTEGER NOT NULL,
        payload BLOB NOT NULL
    ) STRICT;
    CREATE TABLE trims (
        partition INTEGER PRIMARY KEY,
        first_offset INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE commits (
        consumer_group TEXT NOT NULL,
        partition INTEGER NOT NULL,
        next_offset INTEGER NOT NULL,
        PRIMARY KEY (consumer_group, partition)
    ) STRICT, WITHOUT ROWID;
",
    "
    ALTER TABLE records ADD COLUMN replayed_from TEXT;
    ALTER TABLE records ADD COLUMN attempt INTEGER;
",
    "
    ALTER TABLE records ADD COLUMN checksum INTEGER;
",
    guards::CHECKPOINTS_TABLE,
];

pub(super) const INSERT: &str = "INSERT INTO records (id, appended_at, payload, checksum) VALUES (?1, ?2, ?3, ?4)";
pub(super) const INSERT_AGAIN: &str =
    "INSERT INTO records (id, appended_at, payload, checksum, replayed_from, attempt) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
pub(super) const READ: &str = "SELECT id, appended_at, payload, checksum, replayed_from, attempt FROM records
    WHERE id >= ?1 AND id < ?2 ORDER BY id";
pub(super) const OFFSET_AT: &str =
    "SELECT id FROM records WHERE id >= ?1 AND id < ?2 AND appended_at >= ?3 ORDER BY id LIMIT 1";
pub(super) const APPENDED_AT: &str = "SELECT appended_at FROM records WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT 1";
pub(super) const SIZES: &str =
    "SELECT id, appended_at, length(payload) FROM records WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT ?3";
pub(super) const DELETE: &str = "DELETE FROM records WHERE id >= ?1 AND id < ?2";
pub(super) const TRIM: &str = "INSERT INTO trims (partition, first_offset) VALUES (?1, ?2)
    ON CONFLICT (partition) DO UPDATE SET first_offset = excluded.first_offset";
pub(super) const JOIN: &str =
    "INSERT OR IGNORE INTO commits (consumer_group, partition, next_offset) VALUES (?1, ?2, ?3)";
pub(super) const COMMIT: &str = "UPDATE commits SET next_offset = ?3
    WHERE consumer_group = ?1 AND partition = ?2 AND next_offset < ?3";
pub(super) const REWIND: &str = "UPDATE commits SET next_offset = ?3 WHERE consumer_group = ?1 AND partition = ?2";

/// The topic generation of an embedded log: it never changes its partition count, so there is only the first.
pub(super) const GENERATION: u16 = 1;

pub(super) const OFFSET_BITS: u32 = 48;

/// A record's row id.
pub(super) const fn record_id(partition: Partition, offset: i64) -> i64 {
    ((partition as i64) << OFFSET_BITS) | offset
}

/// The row ids of a partition's records in `[from, until)`: the first, and one beyond the last.
pub(super) fn record_ids(partition: Partition, from: i64, until: i64) -> [i64; 2] {
    let id = |offset: i64| record_id(partition, 0) + offset.clamp(0, 1 << OFFSET_BITS);
    [id(from), id(until)]
}

/// The offset in a row id.
pub(super) const fn offset_of(id: i64) -> i64 {
    id & ((1 << OFFSET_BITS) - 1)
}

/// First retained and next offset of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    pub first: i64,
    pub end: i64,
}

/// Reads the bounds of every partition.
pub(super) fn load_bounds(connection: &Connection, partitions: u32) -> rusqlite::Result<Vec<Bounds>> {
    let mut trims = connection.prepare_cached("SELECT first_offset FROM trims WHERE partition = ?1")?;
    let mut lasts = connection.prepare_cached("SELECT max(id) FROM records WHERE id >= ?1 AND id < ?2")?;
    let bounds = (0..partitions).map(|partition| {
        let first = trims.query_row([partition], |row| row.get(0)).optional()?.unwrap_or(0);
        let range = [record_id(partition, 0), record_id(partition + 1, 0)];
        let last: Option<i64> = lasts.query_row(range, |row| row.get(0))?;
        Ok(Bounds { first, end: last.map_or(first, |id| offset_of(id) + 1) })
    });
    bounds.collect()
}

/// How many partitions the groups of a log know; `None` before the first one joined.
pub(super) fn partitions_known(connection: &Connection) -> rusqlite::Result<Option<u32>> {
    let count = "SELECT count(*) FROM commits GROUP BY consumer_group LIMIT 1";
    connection.query_row(count, [], |row| row.get(0)).optional()
}

/// Records appended since the log was made: the sum of the partitions' ends, for offsets begin at 0 and retention keeps the
/// ends.
pub(super) fn appended(ends: impl IntoIterator<Item = i64>) -> u64 {
    ends.into_iter().map(|end| u64::try_from(end).unwrap_or(0)).sum()
}

/// Records appended since the log was made, read from the file.
pub(super) fn appended_in(connection: &Connection, partitions: u32) -> rusqlite::Result<u64> {
    // Where the groups know of another number of partitions, opening the log fails afterwards.
    let bounds = load_bounds(connection, partitions_known(connection)?.unwrap_or(partitions))?;
    Ok(appended(bounds.iter().map(|bounds| bounds.end)))
}

/// Reads the committed offsets of every group; `bounds` fills in what a group lacks.
pub(super) fn load_commits(connection: &Connection, bounds: &[Bounds]) -> rusqlite::Result<HashMap<String, Vec<i64>>> {
    let mut groups: HashMap<String, Vec<i64>> = HashMap::new();
    let mut statement = connection.prepare("SELECT consumer_group, partition, next_offset FROM commits")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (group, partition, next_offset): (String, u32, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let committed = groups.entry(group).or_insert_with(|| bounds.iter().map(|bounds| bounds.first).collect());
        if let Some(slot) = committed.get_mut(partition as usize) {
            *slot = next_offset;
        }
    }
    Ok(groups)
}
