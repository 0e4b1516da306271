//! The number that stands for a team in the rows of its runs.

use rusqlite::{Connection, OptionalExtension, params};
use tidegate_agentping::TeamId;

use super::id_blob::blob_of;

/// `None`: no run of the team is stored.
pub(super) fn team_number(connection: &Connection, team: TeamId) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT team_no FROM teams WHERE team = ?1")?
        .query_row(params![blob_of(team)], |row| row.get(0))
        .optional()
}
