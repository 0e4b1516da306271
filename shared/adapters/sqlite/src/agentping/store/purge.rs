//! Deleting orphans: runs whose start never came.

use rusqlite::{Connection, params};
use tidegate_kernel::Timestamp;

use super::events;
use crate::sqlite::values::signed;

pub(super) const OLDEST_ORPHANS: &str = "SELECT run_no FROM runs WHERE listed_at_ms IS NULL AND last_received_ms < ?1 \
     ORDER BY last_received_ms LIMIT ?2";

/// Deletes up to `limit` orphans with their events. What they counted towards the quota stays counted: it was accepted.
pub(super) fn purge(connection: &Connection, before: Timestamp, limit: usize) -> rusqlite::Result<usize> {
    let mut find = connection.prepare_cached(OLDEST_ORPHANS)?;
    let doomed: Vec<i64> = find
        .query_map(params![before.as_millis(), signed(limit as u64)], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut run = connection.prepare_cached("DELETE FROM runs WHERE run_no = ?1")?;
    for run_no in &doomed {
        events::delete_of_run(connection, *run_no)?;
        run.execute(params![run_no])?;
    }
    Ok(doomed.len())
}
