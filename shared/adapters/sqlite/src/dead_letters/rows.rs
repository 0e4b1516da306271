//! Dead letters as rows.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Row, params};
use tidegate_kernel::{Position, Timestamp};
use tidegate_ports::DeadLetter;

use super::provenance;

/// Up to `limit` dead letters of positions after `after`, in their order.
pub(super) fn list(
    connection: &Connection,
    after: Option<Position>,
    limit: usize,
) -> rusqlite::Result<Vec<DeadLetter>> {
    // No position is below 0.
    let (generation, partition, offset) =
        after.map_or((-1, -1, -1), |after| (i64::from(after.generation), i64::from(after.partition), after.offset));
    let mut statement = connection.prepare_cached(
        "SELECT * FROM dead_letters WHERE (generation, partition, offset) > (?1, ?2, ?3)
         ORDER BY generation, partition, offset LIMIT ?4",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    statement.query_map(params![generation, partition, offset, limit], dead_letter)?.collect()
}

/// The dead letter of one position.
pub(super) fn find(connection: &Connection, position: Position) -> rusqlite::Result<Option<DeadLetter>> {
    let mut statement = connection
        .prepare_cached("SELECT * FROM dead_letters WHERE generation = ?1 AND partition = ?2 AND offset = ?3")?;
    statement.query_row(params![position.generation, position.partition, position.offset], dead_letter).optional()
}

fn dead_letter(row: &Row<'_>) -> rusqlite::Result<DeadLetter> {
    let position = Position { generation: row.get(0)?, partition: row.get(1)?, offset: row.get(2)? };
    Ok(DeadLetter {
        position,
        appended_at: Timestamp::from_millis(row.get(3)?),
        dead_lettered_at: Timestamp::from_millis(row.get(4)?),
        reason: row.get(5)?,
        payload: Bytes::from(row.get::<_, Vec<u8>>(6)?),
        // A provenance that cannot be read hides no dead letter.
        provenance: provenance::of_json(row.get(7)?).unwrap_or_else(|error| {
            tracing::warn!(%position, %error, "a dead letter's provenance cannot be read; it is shown without one");
            Default::default()
        }),
    })
}
