//! Queries other than listings: one run, agents, usage, a month's spend.

use std::sync::LazyLock;

use rusqlite::{Connection, OptionalExtension, params};
use tidegate_agentping::{Run, RunKey, RunStatus, Slug, TeamId};
use tidegate_agentping_ports::registry::agent_id;
use tidegate_agentping_ports::runs::UNPRICED_MAX;
use tidegate_agentping_ports::{AgentRow, AgentSums, Spend, SpendLine, SpendTally};
use tidegate_kernel::{Month, Timestamp, Usd};

use super::id_blob::id_at;
use super::load::find;
use super::status_columns::{self, StatusColumns};
use super::team_number::team_number;
use crate::sqlite::failure::unreadable;
use crate::sqlite::values::{millis, text, unsigned};

pub(super) fn run(connection: &Connection, key: RunKey) -> rusqlite::Result<Option<Run>> {
    let Some(team_no) = team_number(connection, key.team)? else {
        return Ok(None);
    };
    let found = find(connection, team_no, key)?.filter(|found| found.run.opening().is_some());
    Ok(found.map(|found| found.run))
}

/// The agents that runs were opened for, by slug.
pub(crate) fn agents(connection: &Connection, team: TeamId) -> rusqlite::Result<Vec<AgentRow>> {
    let Some(team_no) = team_number(connection, team)? else {
        return Ok(Vec::new());
    };
    let mut statement = connection
        .prepare_cached("SELECT slug, first_seen_ms, last_seen_ms FROM agents WHERE team_no = ?1 ORDER BY slug")?;
    let rows = statement.query_map(params![team_no], |row| {
        let slug: String = row.get(0)?;
        let slug = Slug::parse(&slug).map_err(|error| unreadable(0, error))?;
        Ok(AgentRow {
            id: agent_id(team, &slug),
            slug,
            first_seen: millis(row, 1)?,
            last_seen: Some(millis(row, 2)?),
            archived_at: None,
        })
    })?;
    rows.collect()
}

pub(super) const USAGE: &str = "SELECT units FROM usage JOIN teams USING (team_no) WHERE team = ?1 AND month = ?2";

pub(super) fn usage(connection: &Connection, team: TeamId, month: Month) -> rusqlite::Result<u64> {
    let mut statement = connection.prepare_cached(USAGE)?;
    let units = statement.query_row(params![super::id_blob::blob_of(team), month.number()], |row| unsigned(row, 0));
    Ok(units.optional()?.unwrap_or(0))
}

pub(super) static MONTH_OF_RUNS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT agent, customer_id, feature, cost_nanos_usd, listed_at_ms, {} FROM runs \
         WHERE team_no = ?1 AND listed_at_ms >= ?2 AND listed_at_ms < ?3",
        status_columns::COLUMNS
    )
});

pub(super) static NEWEST_RUNS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT agent, cost_nanos_usd, run, {} FROM runs WHERE team_no = ?1 AND listed_at_ms >= ?2 \
         ORDER BY listed_at_ms DESC, run DESC LIMIT ?3",
        status_columns::COLUMNS
    )
});

/// One pass over the newest runs, from columns alone.
pub(super) fn sums_by_agent(
    connection: &Connection,
    team: TeamId,
    from: Timestamp,
    runs_max: usize,
    now: Timestamp,
) -> rusqlite::Result<AgentSums> {
    let mut sums = AgentSums::of_newest(runs_max);
    let Some(team_no) = team_number(connection, team)? else {
        return Ok(sums);
    };
    let mut statement = connection.prepare_cached(&NEWEST_RUNS)?;
    // One more shows whether there are more.
    let limit = i64::try_from(runs_max).unwrap_or(i64::MAX).saturating_add(1);
    let mut rows = statement.query(params![team_no, from.as_millis(), limit])?;
    while let Some(row) = rows.next()? {
        let status = StatusColumns::read(row, 3)?.status_at(now);
        let cost = Usd::from_nanos(unsigned(row, 1)?);
        if !sums.take(id_at(row, 2)?, text(row, 0)?.unwrap_or_default(), status, cost) {
            break;
        }
    }
    Ok(sums)
}

/// One pass over the month's runs in one snapshot, so that the sums agree with each other.
pub(super) fn spend(connection: &Connection, team: TeamId, month: Month, now: Timestamp) -> rusqlite::Result<Spend> {
    let Some(team_no) = team_number(connection, team)? else {
        return Ok(Spend::default());
    };
    let mut tally = SpendTally::default();
    let mut statement = connection.prepare_cached(&MONTH_OF_RUNS)?;
    let mut rows = statement.query(params![team_no, month.start().as_millis(), month.next().start().as_millis()])?;
    while let Some(row) = rows.next()? {
        tally.add(SpendLine {
            agent: text(row, 0)?.unwrap_or_default(),
            customer_id: text(row, 1)?,
            feature: text(row, 2)?,
            cost: Usd::from_nanos(unsigned(row, 3)?),
            listed_at: Timestamp::from_millis(row.get(4)?),
            successful: StatusColumns::read(row, 5)?.status_at(now) == RunStatus::Success,
        });
    }
    let mut statement = connection.prepare_cached(
        "SELECT provider, model FROM unpriced WHERE team_no = ?1 AND month = ?2 ORDER BY provider, model LIMIT ?3",
    )?;
    let values = params![team_no, month.number(), UNPRICED_MAX as i64];
    let unpriced = statement.query_map(values, |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(tally.finish(unpriced.collect::<rusqlite::Result<_>>()?))
}
