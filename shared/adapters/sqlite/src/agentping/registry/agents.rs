//! The agents that ping tokens were made for, and those that are archived.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row, Transaction, params};
use tidegate_agentping::{Slug, TeamId};
use tidegate_agentping_ports::registry::agent_id;
use tidegate_agentping_ports::{AgentRow, RegistryError, union_of_agents};
use tidegate_kernel::Timestamp;

use super::change::{Unmade, plan_of};
use super::slug_at;
use crate::agentping::store::id_blob::{blob_of, id_at};

/// The agents that tokens were made for, by slug.
pub(super) fn of_tokens(connection: &Connection, team: TeamId) -> rusqlite::Result<Vec<AgentRow>> {
    let mut statement =
        connection.prepare_cached("SELECT slug, first_token_at_ms FROM agents WHERE team = ?1 ORDER BY slug")?;
    let agent = |row: &Row<'_>| {
        let slug = slug_at(row, 0)?;
        let first_seen = Timestamp::from_millis(row.get(1)?);
        Ok(AgentRow { id: agent_id(team, &slug), slug, first_seen, last_seen: None, archived_at: None })
    };
    statement.query_map(params![blob_of(team)], agent)?.collect()
}

/// When agents of the team were archived.
pub(super) fn archived(connection: &Connection, team: TeamId) -> rusqlite::Result<BTreeMap<Slug, Timestamp>> {
    let mut statement =
        connection.prepare_cached("SELECT slug, archived_at_ms FROM archived_agents WHERE team = ?1")?;
    let agent = |row: &Row<'_>| Ok((slug_at(row, 0)?, Timestamp::from_millis(row.get(1)?)));
    statement.query_map(params![blob_of(team)], agent)?.collect()
}

/// All agents of the team; `seen` are those of runs.
pub(super) fn all(connection: &Connection, team: TeamId, seen: Vec<AgentRow>) -> rusqlite::Result<Vec<AgentRow>> {
    Ok(union_of_agents(seen, of_tokens(connection, team)?, &archived(connection, team)?))
}

/// Archives an agent. Archiving it again takes a new number, so that a running service reads it again.
pub(super) fn archive(change: &Transaction<'_>, team: TeamId, slug: &Slug, at: Timestamp) -> Result<(), Unmade> {
    plan_of(change, team)?;
    restore(change, team, slug)?;
    change.execute(
        "INSERT INTO archived_agents (team, slug, archived_at_ms) VALUES (?1, ?2, ?3)",
        params![blob_of(team), slug.as_str(), at.as_millis()],
    )?;
    Ok(())
}

/// A slot of the team's plan for the agent, which is there and not archived afterwards; `seen` are the agents of runs. Whether
/// it was new.
pub(super) fn take_slot(
    change: &Transaction<'_>,
    team: TeamId,
    slug: &Slug,
    at: Timestamp,
    seen: Vec<AgentRow>,
) -> Result<bool, Unmade> {
    let plan = plan_of(change, team)?;
    let counted: Vec<AgentRow> = all(change, team, seen)?.into_iter().filter(|agent| !agent.is_archived()).collect();
    let is_new = counted.iter().all(|agent| agent.slug != *slug);
    if let Some(cap) = plan.limits().agents.filter(|cap| is_new && counted.len() as u64 >= u64::from(*cap)) {
        return Err(RegistryError::AgentCap { cap, slug: slug.to_string() }.into());
    }
    restore(change, team, slug)?;
    change.execute(
        "INSERT INTO agents (team, slug, first_token_at_ms) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        params![blob_of(team), slug.as_str(), at.as_millis()],
    )?;
    Ok(is_new)
}

pub(super) fn restore(change: &Transaction<'_>, team: TeamId, slug: &Slug) -> rusqlite::Result<()> {
    change
        .execute("DELETE FROM archived_agents WHERE team = ?1 AND slug = ?2", params![blob_of(team), slug.as_str()])?;
    Ok(())
}

/// Agents archived after that number, each with its number.
pub(super) fn archived_after(connection: &Connection, number: i64) -> rusqlite::Result<Vec<(i64, TeamId, Slug)>> {
    let mut statement = connection
        .prepare_cached("SELECT number, team, slug FROM archived_agents WHERE number > ?1 ORDER BY number")?;
    statement.query_map(params![number], |row| Ok((row.get(0)?, id_at(row, 1)?, slug_at(row, 2)?)))?.collect()
}
