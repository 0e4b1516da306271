//! Teams and their rates.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use tidegate_agentping::rates::RateRow;
use tidegate_agentping::{Plan, TeamId};
use tidegate_agentping_ports::{RegistryError, Team};
use tidegate_kernel::Timestamp;

use super::change::{Unmade, exists, not_found, plan_of};
use super::{json, plan_at};
use crate::agentping::store::id_blob::{blob_of, id_at};
use crate::sqlite::failure::unreadable;

pub(super) fn create(change: &Transaction<'_>, team: &Team) -> Result<(), Unmade> {
    unused_name(change, &team.name, team.id)?;
    let made = change.execute(
        "INSERT INTO teams (team, name, plan, created_at_ms, archived_at_ms) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT DO NOTHING",
        params![
            blob_of(team.id),
            team.name,
            json(&team.plan)?,
            team.created_at.as_millis(),
            team.archived_at.map(Timestamp::as_millis)
        ],
    )?;
    if made == 1 { Ok(()) } else { Err(exists("team", team.id).into()) }
}

pub(super) fn list(connection: &Connection) -> rusqlite::Result<Vec<Team>> {
    let mut statement = connection.prepare_cached(
        "SELECT team, name, plan, created_at_ms, archived_at_ms FROM teams ORDER BY created_at_ms, team",
    )?;
    let team = |row: &Row<'_>| {
        Ok(Team {
            id: id_at(row, 0)?,
            name: row.get(1)?,
            plan: plan_at(row, 2)?,
            created_at: Timestamp::from_millis(row.get(3)?),
            archived_at: row.get::<_, Option<i64>>(4)?.map(Timestamp::from_millis),
        })
    };
    statement.query_map([], team)?.collect()
}

pub(super) fn set_plan(change: &Transaction<'_>, team: TeamId, plan: Plan) -> Result<(), Unmade> {
    let changed = change.execute("UPDATE teams SET plan = ?2 WHERE team = ?1", params![blob_of(team), json(&plan)?])?;
    if changed == 1 { Ok(()) } else { Err(not_found("team", team).into()) }
}

pub(super) fn rename(change: &Transaction<'_>, team: TeamId, name: &str) -> Result<(), Unmade> {
    plan_of(change, team)?;
    unused_name(change, name, team)?;
    change.execute("UPDATE teams SET name = ?2 WHERE team = ?1", params![blob_of(team), name])?;
    Ok(())
}

/// A team that is archived already keeps its instant.
pub(super) fn set_archived(change: &Transaction<'_>, team: TeamId, at: Option<Timestamp>) -> Result<(), Unmade> {
    let changed = change.execute(
        "UPDATE teams SET archived_at_ms = iif(?2 IS NULL, NULL, ifnull(archived_at_ms, ?2)) WHERE team = ?1",
        params![blob_of(team), at.map(Timestamp::as_millis)],
    )?;
    if changed == 1 { Ok(()) } else { Err(not_found("team", team).into()) }
}

/// Not an index: teams of before may share a name, and stay.
fn unused_name(change: &Transaction<'_>, name: &str, team: TeamId) -> Result<(), Unmade> {
    let other = change
        .prepare_cached("SELECT team FROM teams WHERE name = ?1 AND team <> ?2 LIMIT 1")?
        .query_row(params![name, blob_of(team)], |row| id_at(row, 0))
        .optional()?;
    match other {
        Some(by) => Err(RegistryError::NameTaken { name: name.to_owned(), by }.into()),
        None => Ok(()),
    }
}

pub(super) fn set_rate(change: &Transaction<'_>, team: TeamId, row: &RateRow) -> Result<(), Unmade> {
    plan_of(change, team)?;
    change.execute(
        "INSERT INTO rates (team, provider, model, rate) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT DO UPDATE SET rate = excluded.rate",
        params![blob_of(team), row.provider, row.model, json(&row.rate)?],
    )?;
    Ok(())
}

/// A team's own rows, by provider and model.
pub(super) fn rates(connection: &Connection, team: TeamId) -> rusqlite::Result<Vec<RateRow>> {
    let mut statement = connection
        .prepare_cached("SELECT provider, model, rate FROM rates WHERE team = ?1 ORDER BY provider, model")?;
    let rate = |row: &Row<'_>| {
        let rate: String = row.get(2)?;
        let rate = serde_json::from_str(&rate).map_err(|error| unreadable(2, error))?;
        Ok(RateRow { provider: row.get(0)?, model: row.get(1)?, rate })
    };
    statement.query_map(params![blob_of(team)], rate)?.collect()
}
