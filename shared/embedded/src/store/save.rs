//! Saving runs: one pass over the writes inside one transaction.

use std::collections::HashMap;

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use tidegate_domain::{Month, Run, TeamId};
use tidegate_ports::{EventRow, RunWrite};

use super::follow_ups::FollowUps;
use super::id_blob::blob_of;
use super::run_row::{json, signed, to_json};
use super::standing::Standing;

/// The numbers of teams met so far. Forget them when a transaction that may have given out some is rolled back.
pub(super) type TeamNumbers = HashMap<TeamId, i64>;

const FIND: &str = "SELECT run_no, position, started_at_ms, units FROM runs WHERE team_no = ?1 AND run = ?2";

const INSERT: &str = "INSERT INTO runs (team_no, run, position, started_at_ms, agent, customer_id, feature, closed_as, \
    idle_deadline_ms, idle_closes_as, cost_nanos_usd, start, implied, finish, events, events_cost_nanos_usd, errored, \
    conflicted, last_activity_ms, last_received_ms, units) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)";

/// Leaves `started_at_ms` alone: naming a column of an index in an UPDATE rewrites its entry even if nothing changes.
const UPDATE: &str = "UPDATE runs SET position = ?2, agent = ?3, customer_id = ?4, feature = ?5, closed_as = ?6, \
    idle_deadline_ms = ?7, idle_closes_as = ?8, cost_nanos_usd = ?9, start = ?10, implied = ?11, finish = ?12, \
    events = ?13, events_cost_nanos_usd = ?14, errored = ?15, conflicted = ?16, last_activity_ms = ?17, \
    last_received_ms = ?18, units = ?19 WHERE run_no = ?1";

const MOVE: &str = "UPDATE runs SET started_at_ms = ?2 WHERE run_no = ?1";

const INSERT_EVENT: &str = "INSERT INTO events (run_no, id, content_hash, type, ts_ms, turn, errored, provider, model, \
    cost_nanos_usd, priced, received_at_ms, data) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) ON CONFLICT DO NOTHING";

/// One transaction's statements and what must follow from its writes.
pub(super) struct Pass<'c> {
    connection: &'c Connection,
    teams: &'c mut TeamNumbers,
    find: CachedStatement<'c>,
    insert: CachedStatement<'c>,
    update: CachedStatement<'c>,
    insert_event: CachedStatement<'c>,
    follow_ups: FollowUps,
    /// About what the writes put into the WAL.
    pub bytes: u64,
}

struct Before {
    run_no: i64,
    position: i64,
    started_at_ms: Option<i64>,
    units: Vec<(Month, u64)>,
}

impl<'c> Pass<'c> {
    pub fn begin(connection: &'c Connection, teams: &'c mut TeamNumbers) -> rusqlite::Result<Self> {
        Ok(Pass {
            connection,
            teams,
            find: connection.prepare_cached(FIND)?,
            insert: connection.prepare_cached(INSERT)?,
            update: connection.prepare_cached(UPDATE)?,
            insert_event: connection.prepare_cached(INSERT_EVENT)?,
            follow_ups: FollowUps::default(),
            bytes: 0,
        })
    }

    pub fn save(&mut self, write: &RunWrite) -> rusqlite::Result<()> {
        let team_no = team_number(self.connection, self.teams, write.key.team)?;
        let before = self.before(team_no, write)?;
        // Equal positions come of a redelivery: the same write again.
        if before.as_ref().is_some_and(|before| before.position >= write.position.write_timestamp()) {
            return Ok(());
        }
        let columns = Columns::of(write)?;
        self.bytes += columns.bytes();
        self.follow_ups.of_run(team_no, &write.run, before.as_ref().map_or(&[], |before| &before.units));
        let run_no = match before {
            None => self.insert(team_no, write, &columns)?,
            Some(before) => self.update(&before, write, &columns)?,
        };
        for row in &write.new_events {
            self.insert_event(run_no, row)?;
            self.follow_ups.of_event(team_no, row);
        }
        Ok(())
    }

    /// Writes what follows from the runs saved; ends the pass. Returns about how many bytes it wrote.
    pub fn finish(self) -> rusqlite::Result<u64> {
        self.follow_ups.write(self.connection)?;
        Ok(self.bytes)
    }

    fn before(&mut self, team_no: i64, write: &RunWrite) -> rusqlite::Result<Option<Before>> {
        let found = self.find.query_row(params![team_no, blob_of(write.key.run)], |row| {
            Ok(Before { run_no: row.get(0)?, position: row.get(1)?, started_at_ms: row.get(2)?, units: json(row, 3)? })
        });
        found.optional()
    }

    fn insert(&mut self, team_no: i64, write: &RunWrite, columns: &Columns<'_>) -> rusqlite::Result<i64> {
        let run = &write.run;
        self.insert.insert(params![
            team_no,
            blob_of(write.key.run),
            write.position.write_timestamp(),
            columns.started_at_ms,
            columns.agent,
            columns.customer_id,
            columns.feature,
            columns.standing.closed_as.map(|status| status.as_str()),
            columns.standing.idle.map(|(deadline, _)| deadline.as_millis()),
            columns.standing.idle.map(|(_, status)| status.as_str()),
            signed(run.cost().as_nanos()),
            columns.start,
            columns.implied,
            columns.finish,
            signed(run.events),
            signed(run.events_cost.as_nanos()),
            run.errored,
            run.conflicted,
            run.last_activity.as_millis(),
            run.last_received.as_millis(),
            columns.units,
        ])
    }

    fn update(&mut self, before: &Before, write: &RunWrite, columns: &Columns<'_>) -> rusqlite::Result<i64> {
        let run = &write.run;
        self.update.execute(params![
            before.run_no,
            write.position.write_timestamp(),
            columns.agent,
            columns.customer_id,
            columns.feature,
            columns.standing.closed_as.map(|status| status.as_str()),
            columns.standing.idle.map(|(deadline, _)| deadline.as_millis()),
            columns.standing.idle.map(|(_, status)| status.as_str()),
            signed(run.cost().as_nanos()),
            columns.start,
            columns.implied,
            columns.finish,
            signed(run.events),
            signed(run.events_cost.as_nanos()),
            run.errored,
            run.conflicted,
            run.last_activity.as_millis(),
            run.last_received.as_millis(),
            columns.units,
        ])?;
        if before.started_at_ms != columns.started_at_ms {
            self.connection.prepare_cached(MOVE)?.execute(params![before.run_no, columns.started_at_ms])?;
        }
        Ok(before.run_no)
    }

    fn insert_event(&mut self, run_no: i64, row: &EventRow) -> rusqlite::Result<()> {
        let event = &row.event;
        let call = event.call.as_ref();
        self.bytes += event.data.as_str().len() as u64 + 128;
        self.insert_event.execute(params![
            run_no,
            blob_of(event.id),
            event.content_hash.cast_signed(),
            event.kind,
            event.ts.as_millis(),
            event.turn,
            event.errored,
            call.map(|call| call.provider.as_str()),
            call.map(|call| call.model.as_str()),
            call.map(|call| signed(call.cost.as_nanos())),
            call.map(|call| call.priced),
            row.received_at.as_millis(),
            event.data.as_str(),
        ])?;
        Ok(())
    }
}

/// A run's column values that take some making.
struct Columns<'w> {
    started_at_ms: Option<i64>,
    agent: Option<&'w str>,
    customer_id: Option<&'w str>,
    feature: Option<&'w str>,
    standing: Standing,
    start: Option<String>,
    implied: Option<String>,
    finish: Option<String>,
    units: String,
}

impl<'w> Columns<'w> {
    fn of(write: &'w RunWrite) -> rusqlite::Result<Self> {
        let Run { start, implied, finish, units, .. } = &write.run;
        let opened = write.run.opening().map(|opening| &opening.start);
        Ok(Columns {
            started_at_ms: opened.map(|start| start.started_at.as_millis()),
            agent: opened.map(|start| start.agent.as_str()),
            customer_id: opened.and_then(|start| start.customer_id.as_deref()),
            feature: opened.and_then(|start| start.feature.as_deref()),
            standing: Standing::of(&write.run),
            start: start.as_ref().map(to_json).transpose()?,
            implied: implied.as_ref().map(to_json).transpose()?,
            finish: finish.as_ref().map(to_json).transpose()?,
            units: to_json(units)?,
        })
    }

    fn bytes(&self) -> u64 {
        let json = [&self.start, &self.implied, &self.finish].into_iter().flatten().map(|text| text.len() as u64);
        json.sum::<u64>() + 256
    }
}

fn team_number(connection: &Connection, teams: &mut TeamNumbers, team: TeamId) -> rusqlite::Result<i64> {
    if let Some(number) = teams.get(&team) {
        return Ok(*number);
    }
    connection
        .prepare_cached("INSERT INTO teams (team) VALUES (?1) ON CONFLICT DO NOTHING")?
        .execute(params![blob_of(team)])?;
    let number = connection
        .prepare_cached("SELECT team_no FROM teams WHERE team = ?1")?
        .query_row(params![blob_of(team)], |row| row.get(0))?;
    teams.insert(team, number);
    Ok(number)
}
