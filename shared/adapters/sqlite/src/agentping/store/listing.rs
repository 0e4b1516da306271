//! Listing a team's runs, newest first, filter by filter.

use std::sync::LazyLock;

use rusqlite::{Connection, Row, params};
use tidegate_agentping::TeamId;
use tidegate_agentping_ports::{ListedRun, RunFilter, RunPage, RunsPage};
use tidegate_kernel::Timestamp;

use super::id_blob::{IdBlob, blob_of, id_at};
use super::status_columns::StatusColumns;
use super::team_number::team_number;
use super::{run_row, status_columns};
use crate::sqlite::values::text;

/// Rows of one read. A filter that few runs pass takes several reads, so that no read holds a snapshot, and with it the
/// WAL, for long.
pub(super) const ROWS_PER_READ: usize = 4_096;

pub(super) static SELECT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT listed_at_ms, run, agent, customer_id, feature, {}, {} FROM runs \
         WHERE team_no = ?1 AND listed_at_ms >= ?2 AND (listed_at_ms, run) < (?3, ?4) \
         ORDER BY listed_at_ms DESC, run DESC",
        status_columns::COLUMNS,
        run_row::COLUMNS
    )
});

const STATUS: usize = 5;
const RUN: usize = 8;

/// The progress of a listing, and what it has found.
#[derive(Debug)]
pub(super) struct Listing {
    team: TeamId,
    filter: RunFilter,
    page: RunPage,
    now: Timestamp,
    /// Only rows after this one in the order are still to be read.
    before: (i64, Vec<u8>),
    pub found: RunsPage,
    pub done: bool,
}

impl Listing {
    pub fn begin(team: TeamId, filter: &RunFilter, page: &RunPage, now: Timestamp) -> Self {
        // No id is as low as the empty blob, and none as high as 18 bytes of ones.
        let to = filter.to.map(|to| (to.as_millis(), Vec::new()));
        let after = page.after.map(|(listed_at, run)| (listed_at.as_millis(), blob_of(run).to_vec()));
        let before = to.into_iter().chain(after).min().unwrap_or((i64::MAX, vec![0xff; size_of::<IdBlob>() + 1]));
        let done = page.limit == 0;
        Listing { team, filter: filter.clone(), page: *page, now, before, found: RunsPage::default(), done }
    }

    /// Reads the next rows.
    pub fn advance(mut self, connection: &Connection) -> rusqlite::Result<Self> {
        let Some(team_no) = team_number(connection, self.team)? else {
            return Ok(Listing { done: true, ..self });
        };
        let from = self.filter.from.map_or(i64::MIN, Timestamp::as_millis);
        let mut statement = connection.prepare_cached(&SELECT)?;
        let mut rows = statement.query(params![team_no, from, self.before.0, self.before.1])?;
        for _ in 0..ROWS_PER_READ {
            let Some(row) = rows.next()? else {
                return Ok(Listing { done: true, ..self });
            };
            self.before = (row.get(0)?, row.get(1)?);
            if self.admits(row)? {
                let (listed_at, run) = (Timestamp::from_millis(self.before.0), run_row::read(row, RUN)?);
                if !self.found.take(&self.page, ListedRun { listed_at, id: id_at(row, 1)?, run }) {
                    return Ok(Listing { done: true, ..self });
                }
            }
        }
        Ok(self)
    }

    /// [`RunFilter::admits`] from columns alone; the times are in the query.
    fn admits(&self, row: &Row<'_>) -> rusqlite::Result<bool> {
        let RunFilter { agent, status, customer_id, feature, from: _, to: _ } = &self.filter;
        for (column, asked) in
            [(2, agent.as_ref().map(|slug| slug.as_str())), (3, customer_id.as_deref()), (4, feature.as_deref())]
        {
            if asked.is_some() && asked != text(row, column)? {
                return Ok(false);
            }
        }
        match status {
            Some(status) => Ok(StatusColumns::read(row, STATUS)?.status_at(self.now) == *status),
            None => Ok(true),
        }
    }
}
