//! A run's row as it is written.

use rusqlite::{CachedStatement, params};
use tidegate_agentping::Run;
use tidegate_agentping_ports::RunWrite;

use super::id_blob::blob_of;
use super::run_row::to_json;
use super::status_columns::StatusColumns;
use crate::sqlite::values::signed;

/// Both statements take the same values; a new row's number, ?1, is NULL.
pub(super) const INSERT: &str = "INSERT INTO runs (run_no, team_no, run, listed_at_ms, position, agent, customer_id, feature, closed_as, \
     idle_deadline_ms, idle_closes_as, cost_nanos_usd, start, implied, finish, events, events_cost_nanos_usd, errored, \
     conflicted, last_activity_ms, last_received_ms, units, alive_at_ms) VALUES \
     (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23)";

/// Leaves `listed_at_ms` alone: naming a column of an index in an UPDATE rewrites its entry even if nothing changes.
pub(super) const UPDATE: &str = "UPDATE runs SET position = ?5, agent = ?6, customer_id = ?7, feature = ?8, closed_as = ?9, idle_deadline_ms = ?10, \
     idle_closes_as = ?11, cost_nanos_usd = ?12, start = ?13, implied = ?14, finish = ?15, events = ?16, \
     events_cost_nanos_usd = ?17, errored = ?18, conflicted = ?19, last_activity_ms = ?20, last_received_ms = ?21, \
     units = ?22, alive_at_ms = ?23 WHERE run_no = ?1";

/// The values that are not members of the run.
pub(super) struct Columns<'w> {
    write: &'w RunWrite,
    pub listed_at_ms: Option<i64>,
    agent: Option<&'w str>,
    customer_id: Option<&'w str>,
    feature: Option<&'w str>,
    status: StatusColumns,
    start: Option<String>,
    implied: Option<String>,
    finish: Option<String>,
    units: String,
}

impl<'w> Columns<'w> {
    pub fn of(write: &'w RunWrite) -> rusqlite::Result<Self> {
        let Run { start, implied, finish, units, .. } = &write.run;
        let opened = write.run.opening().map(|opening| &opening.start);
        Ok(Columns {
            write,
            listed_at_ms: write.run.opening().map(|opening| opening.listed_at().as_millis()),
            agent: opened.map(|start| start.agent.as_str()),
            customer_id: opened.and_then(|start| start.customer_id.as_deref()),
            feature: opened.and_then(|start| start.feature.as_deref()),
            status: StatusColumns::of(&write.run),
            start: start.as_ref().map(to_json).transpose()?,
            implied: implied.as_ref().map(to_json).transpose()?,
            finish: finish.as_ref().map(to_json).transpose()?,
            units: to_json(units)?,
        })
    }

    /// Runs [`INSERT`] (without a row's number) or [`UPDATE`].
    pub fn write(&self, into: &mut CachedStatement<'_>, run_no: Option<i64>, team_no: i64) -> rusqlite::Result<()> {
        let run = &self.write.run;
        into.execute(params![
            run_no,
            team_no,
            blob_of(self.write.key.run),
            self.listed_at_ms,
            self.write.position.write_timestamp(),
            self.agent,
            self.customer_id,
            self.feature,
            self.status.closed_as.map(|status| status.as_str()),
            self.status.idle.map(|(deadline, _)| deadline.as_millis()),
            self.status.idle.map(|(_, status)| status.as_str()),
            signed(run.cost().as_nanos()),
            self.start,
            self.implied,
            self.finish,
            signed(run.events),
            signed(run.events_cost.as_nanos()),
            run.errored,
            run.conflicted,
            run.last_activity.as_millis(),
            run.last_received.as_millis(),
            self.units,
            run.alive_at.map(|at| at.as_millis()),
        ])
        .map(drop)
    }

    /// Bytes that the row puts into the WAL, about.
    pub fn bytes(&self) -> u64 {
        let json = [&self.start, &self.implied, &self.finish].into_iter().flatten().map(|text| text.len() as u64);
        json.sum::<u64>() + 256
    }
}
