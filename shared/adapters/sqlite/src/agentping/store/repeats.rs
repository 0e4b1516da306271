//! Repeats by agent and month: read, and what a row of a run counted before it is replaced.

use rusqlite::{Connection, params};
use tidegate_agentping::run::Closing;
use tidegate_agentping::{Run, Slug, TeamId};
use tidegate_agentping_ports::AgentRepeats;
use tidegate_kernel::Month;

use super::id_blob::blob_of;
use super::run_row::register;
use crate::sqlite::failure::unreadable;
use crate::sqlite::values::{text, unsigned};

/// What one run adds to the sums: agent, month, how many.
pub(super) type Counted = Vec<(Slug, Month, u64)>;

const BEFORE: &str = "SELECT agent, finish FROM runs WHERE run_no = ?1";

pub(super) const OF_MONTH: &str = "SELECT agent, times FROM repeats JOIN teams USING (team_no) \
     WHERE team = ?1 AND month = ?2 AND times > 0 ORDER BY agent";

pub(super) fn of_run(run: &Run) -> Counted {
    run.repeats_by_month().map(|(agent, month, times)| (agent.clone(), month, times)).collect()
}

/// What the row counted that `run` is about to replace. A run's repeats are never taken back, so a run without any
/// replaces one without any, and nothing is read for it: that is nearly every run.
pub(super) fn before(connection: &Connection, run_no: i64, run: &Run) -> rusqlite::Result<Counted> {
    if run.repeats_by_month().next().is_none() {
        return Ok(Counted::new());
    }
    connection.prepare_cached(BEFORE)?.query_row(params![run_no], |row| {
        let (agent, closing) = (text(row, 0)?, register::<Closing>(row, 1)?);
        let (Some(agent), Some(repeats)) = (agent, closing.and_then(|closing| closing.repeats)) else {
            return Ok(Counted::new());
        };
        let agent = Slug::parse(agent).map_err(|error| unreadable(0, error))?;
        Ok(repeats.by_month().map(|(month, times)| (agent.clone(), month, times)).collect())
    })
}

/// Those of a month, by agent.
pub(super) fn of_month(connection: &Connection, team: TeamId, month: Month) -> rusqlite::Result<Vec<AgentRepeats>> {
    let mut statement = connection.prepare_cached(OF_MONTH)?;
    let rows = statement.query_map(params![blob_of(team), month.number()], |row| {
        let agent: String = row.get(0)?;
        let agent = Slug::parse(&agent).map_err(|error| unreadable(0, error))?;
        Ok(AgentRepeats { agent, times: unsigned(row, 1)? })
    })?;
    rows.collect()
}
