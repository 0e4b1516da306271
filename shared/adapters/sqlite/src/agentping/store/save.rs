//! Saving runs: one pass over the writes inside one transaction.

use std::collections::HashMap;

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use tidegate_agentping::TeamId;
use tidegate_agentping_ports::RunWrite;
use tidegate_kernel::Month;

use super::columns::{self, Columns};
use super::events::EventInserts;
use super::feed;
use super::follow_ups::FollowUps;
use super::id_blob::blob_of;
use super::repeats;
use super::run_row::json;

/// The row numbers of teams read so far. To be cleared when a transaction that may have made some is rolled back.
pub(super) type TeamNumbers = HashMap<TeamId, i64>;

pub(super) const FIND: &str = "SELECT run_no, position, listed_at_ms, units FROM runs WHERE team_no = ?1 AND run = ?2";

const MOVE: &str = "UPDATE runs SET listed_at_ms = ?2 WHERE run_no = ?1";

/// The statements of one transaction, and what follows from its writes.
pub(super) struct Pass<'c> {
    connection: &'c Connection,
    teams: &'c mut TeamNumbers,
    find: CachedStatement<'c>,
    insert: CachedStatement<'c>,
    update: CachedStatement<'c>,
    events: EventInserts<'c>,
    feed: CachedStatement<'c>,
    follow_ups: FollowUps,
    /// Bytes that the writes put into the WAL, about.
    pub bytes: u64,
}

struct Before {
    run_no: i64,
    position: i64,
    listed_at_ms: Option<i64>,
    units: Vec<(Month, u64)>,
}

impl<'c> Pass<'c> {
    pub fn begin(connection: &'c Connection, teams: &'c mut TeamNumbers) -> rusqlite::Result<Self> {
        Ok(Pass {
            connection,
            teams,
            find: connection.prepare_cached(FIND)?,
            insert: connection.prepare_cached(columns::INSERT)?,
            update: connection.prepare_cached(columns::UPDATE)?,
            events: EventInserts::prepare(connection)?,
            feed: connection.prepare_cached(feed::INSERT)?,
            follow_ups: FollowUps::default(),
            bytes: 0,
        })
    }

    pub fn save(&mut self, write: &RunWrite) -> rusqlite::Result<()> {
        let team_no = team_number(self.connection, self.teams, write.key.team)?;
        let before = self.before(team_no, write)?;
        // Equal positions come of a redelivery: the same write again.
        if before.as_ref().is_some_and(|before| before.position >= write.position.write_timestamp()) {
            if write.again.is_some() {
                self.bytes += feed::save(&mut self.feed, &write.feed)?;
            }
            return Ok(());
        }
        let columns = Columns::of(write)?;
        self.bytes += columns.bytes();
        self.follow_ups.of_run(team_no, &write.run, before.as_ref().map_or(&[], |before| &before.units));
        let repeats_before = match &before {
            Some(before) => repeats::before(self.connection, before.run_no, &write.run)?,
            None => repeats::Counted::new(),
        };
        self.follow_ups.of_repeats(team_no, repeats::of_run(&write.run), repeats_before);
        let run_no = match before {
            None => {
                columns.write(&mut self.insert, None, team_no)?;
                self.connection.last_insert_rowid()
            }
            Some(before) => {
                columns.write(&mut self.update, Some(before.run_no), team_no)?;
                if before.listed_at_ms != columns.listed_at_ms {
                    self.connection.prepare_cached(MOVE)?.execute(params![before.run_no, columns.listed_at_ms])?;
                }
                before.run_no
            }
        };
        self.bytes += self.events.save(run_no, &write.new_events)?;
        self.bytes += feed::save(&mut self.feed, &write.feed)?;
        for row in &write.new_events {
            self.follow_ups.of_event(team_no, row);
        }
        Ok(())
    }

    /// Writes what follows from the saved runs, and ends the pass. Returns the bytes written, about.
    pub fn finish(self) -> rusqlite::Result<u64> {
        self.follow_ups.write(self.connection)?;
        Ok(self.bytes)
    }

    fn before(&mut self, team_no: i64, write: &RunWrite) -> rusqlite::Result<Option<Before>> {
        let found = self.find.query_row(params![team_no, blob_of(write.key.run)], |row| {
            Ok(Before { run_no: row.get(0)?, position: row.get(1)?, listed_at_ms: row.get(2)?, units: json(row, 3)? })
        });
        found.optional()
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
