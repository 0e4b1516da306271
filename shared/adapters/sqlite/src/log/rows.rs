//! Records as rows: reading them back in any part of the file.

use bytes::Bytes;
use rusqlite::{Connection, Error, OptionalExtension, Row, ffi};
use tidegate_kernel::free_json::text_hash;
use tidegate_kernel::{Partition, Position, Timestamp};
use tidegate_ports::{Consumed, Origin, Provenance};

use super::schema::{self, GENERATION, offset_of, record_ids};

/// Records of `[from, until)`, at least one if there are any and then up to about `max_bytes`.
pub(super) fn records(
    connection: &Connection,
    partition: Partition,
    from: i64,
    until: i64,
    max_bytes: usize,
) -> rusqlite::Result<Vec<Consumed>> {
    let mut statement = connection.prepare_cached(schema::READ)?;
    let mut rows = statement.query(record_ids(partition, from, until))?;
    let (mut records, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let payload = checked(row)?;
        bytes += payload.len();
        if bytes > max_bytes && !records.is_empty() {
            break;
        }
        records.push(Consumed {
            position: Position { generation: GENERATION, partition, offset: offset_of(row.get(0)?) },
            appended_at: Timestamp::from_millis(row.get(1)?),
            payload: Bytes::copy_from_slice(payload),
            provenance: provenance(origin(row)?),
        });
    }
    Ok(records)
}

/// Reads records of `[from, until)` for their checksums only, up to about `max_bytes`. Returns the next offset.
pub(super) fn check(
    connection: &Connection,
    partition: Partition,
    from: i64,
    until: i64,
    max_bytes: usize,
) -> rusqlite::Result<i64> {
    let mut statement = connection.prepare_cached(schema::READ)?;
    let mut rows = statement.query(record_ids(partition, from, until))?;
    let (mut next, mut bytes) = (from, 0);
    while bytes < max_bytes {
        let Some(row) = rows.next()? else { return Ok(until) };
        bytes += checked(row)?.len();
        next = offset_of(row.get(0)?) + 1;
    }
    Ok(next)
}

/// The checksum over a record's row id, time and payload.
pub(super) fn checksum(id: i64, appended_at: Timestamp, payload: &[u8]) -> i64 {
    text_hash(&[&id.to_be_bytes(), &appended_at.as_millis().to_be_bytes(), payload]).cast_signed()
}

/// The payload of a row whose checksum fits. Rows of earlier builds have no checksum.
fn checked<'r>(row: &'r Row<'_>) -> rusqlite::Result<&'r [u8]> {
    let (id, payload) = (row.get(0)?, row.get_ref(2)?.as_blob()?);
    let expected: Option<i64> = row.get(3)?;
    let found = || checksum(id, Timestamp::from_millis(row.get(1).unwrap_or_default()), payload);
    if expected.is_none_or(|expected| expected == found()) {
        return Ok(payload);
    }
    let (partition, offset) = (id >> schema::OFFSET_BITS, offset_of(id));
    let cause = format!("the record at partition {partition}, offset {offset} is not what was written (its checksum)");
    Err(Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), Some(cause)))
}

/// When the first record of `[from, until)` was appended.
pub(super) fn appended_at(
    connection: &Connection,
    partition: Partition,
    from: i64,
    until: i64,
) -> rusqlite::Result<Option<Timestamp>> {
    let mut statement = connection.prepare_cached(schema::APPENDED_AT)?;
    statement.query_row(record_ids(partition, from, until), |row| row.get(0).map(Timestamp::from_millis)).optional()
}

/// The first offset whose record was appended at or after `at`. Reads every row, because a clock may have gone back
/// between two of them.
pub(super) fn offset_at(connection: &Connection, partition: Partition, at: Timestamp) -> rusqlite::Result<Option<i64>> {
    let [first, beyond] = record_ids(partition, 0, i64::MAX);
    let mut statement = connection.prepare_cached(schema::OFFSET_AT)?;
    statement.query_row([first, beyond, at.as_millis()], |row| row.get(0).map(offset_of)).optional()
}

/// A record's provenance: all that this log keeps is where a replayed one came from.
pub(super) fn provenance(origin: Option<Origin>) -> Option<Box<Provenance>> {
    origin.map(|origin| Box::new(Provenance { origin: Some(origin), ..Provenance::default() }))
}

/// An origin that cannot be read is none: the record is applied all the same.
fn origin(row: &Row<'_>) -> rusqlite::Result<Option<Origin>> {
    let Some(from) = row.get_ref(4)?.as_str_or_null().unwrap_or_default() else { return Ok(None) };
    let attempt: Option<u32> = row.get(5).unwrap_or_default();
    let position = from.parse().ok();
    if position.is_none() {
        tracing::warn!(id = row.get::<_, i64>(0)?, from, "a record's origin cannot be read; it counts as not replayed");
    }
    Ok(position.map(|position| Origin { position, attempt: attempt.unwrap_or(2).max(2) }))
}
