//! The columns that a run's status depends on, so that listings and sums need not read its start and finish.

use rusqlite::Row;
use tidegate_agentping::{Run, RunStatus};
use tidegate_kernel::Timestamp;

use crate::sqlite::failure::unreadable;
use crate::sqlite::values::text;

/// The columns that [`StatusColumns::read`] takes, in its order.
pub(super) const COLUMNS: &str = "closed_as, idle_deadline_ms, idle_closes_as";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StatusColumns {
    pub closed_as: Option<RunStatus>,
    /// When silence closes it, and as what; only while nothing else has closed it.
    pub idle: Option<(Timestamp, RunStatus)>,
}

impl StatusColumns {
    pub fn of(run: &Run) -> Self {
        let closed_as = run.finish.as_ref().map(|finish| RunStatus::from(finish.status));
        let idle = run.idle_deadline().zip(run.idle()).map(|(deadline, idle)| (deadline, idle.status.into()));
        StatusColumns { closed_as, idle }
    }

    pub fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Self> {
        let deadline: Option<i64> = row.get(first + 1)?;
        let idle = deadline.map(Timestamp::from_millis).zip(status(row, first + 2)?);
        Ok(StatusColumns { closed_as: status(row, first)?, idle })
    }

    /// The same as [`Run::status_at`].
    pub fn status_at(self, now: Timestamp) -> RunStatus {
        match self {
            StatusColumns { closed_as: Some(status), .. } => status,
            StatusColumns { idle: Some((deadline, status)), .. } if deadline <= now => status,
            StatusColumns { .. } => RunStatus::Running,
        }
    }
}

fn status(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<RunStatus>> {
    let word = text(row, column)?;
    let parse = |word: &str| RunStatus::parse(word).ok_or_else(|| unreadable(column, format!("no status '{word}'")));
    word.map(parse).transpose()
}
