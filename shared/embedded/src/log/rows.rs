//! Records as rows: reading them back in any part of the file.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Row};
use tidegate_domain::{Partition, Position, Timestamp};
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
        let payload = row.get_ref(2)?.as_blob()?;
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

/// The first offset whose record was appended at or after `at`. Every row is looked at, because a clock may have gone
/// back between two of them.
pub(super) fn offset_at(connection: &Connection, partition: Partition, at: Timestamp) -> rusqlite::Result<Option<i64>> {
    let [first, beyond] = record_ids(partition, 0, i64::MAX);
    let mut statement = connection.prepare_cached(schema::OFFSET_AT)?;
    statement.query_row([first, beyond, at.as_millis()], |row| row.get(0).map(offset_of)).optional()
}

/// What stands beside a record: all that this log keeps is where a replayed one came from.
pub(super) fn provenance(origin: Option<Origin>) -> Option<Box<Provenance>> {
    origin.map(|origin| Box::new(Provenance { origin: Some(origin), ..Provenance::default() }))
}

/// An origin that cannot be read is none: the record is applied all the same.
fn origin(row: &Row<'_>) -> rusqlite::Result<Option<Origin>> {
    let Some(from) = row.get_ref(3)?.as_str_or_null().unwrap_or_default() else { return Ok(None) };
    let attempt: Option<u32> = row.get(4).unwrap_or_default();
    let position = from.parse().ok();
    if position.is_none() {
        tracing::warn!(id = row.get::<_, i64>(0)?, from, "a record's origin cannot be read; it counts as not replayed");
    }
    Ok(position.map(|position| Origin { position, attempt: attempt.unwrap_or(2).max(2) }))
}
