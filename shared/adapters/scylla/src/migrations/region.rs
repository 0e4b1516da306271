//! Whose data a keyspace holds: its region, recorded once, as a data folder's marker has it.
//!
//! A keyspace of before has no such row. Its region is then that of what is in it: every id of a team names its region.
//! One that holds nothing yet becomes that of whoever migrates it first.

use scylla::client::session::Session;
use tidegate_agentping::TeamId;
use tidegate_kernel::Region;
use tidegate_ports::StoreError;

use super::{MigrationError, ddl};
use crate::failure::unreadable;

const TABLE: &str = "schema_region";

/// What is recorded; `None`: nothing yet.
pub(super) async fn recorded(session: &Session, keyspace: &str) -> Result<Option<Region>, StoreError> {
    if !ddl::table_exists(session, keyspace, TABLE).await? {
        return Ok(None);
    }
    let text = format!("SELECT region FROM {keyspace}.{TABLE} WHERE lane = 0");
    let rows = ddl::rows_of_listed(session, &text).await?;
    let row = rows.maybe_first_row::<(String,)>().map_err(|error| unreadable(TABLE, error))?;
    row.map(|(region,)| region.parse().map_err(|error| unreadable(TABLE, error))).transpose()
}

/// What is recorded, or what the ids in the keyspace say; `None`: it holds nothing.
pub(super) async fn found(session: &Session, keyspace: &str) -> Result<Option<Region>, StoreError> {
    if let Some(region) = recorded(session, keyspace).await? {
        return Ok(Some(region));
    }
    for table in ["teams", "runs"] {
        if !ddl::table_exists(session, keyspace, table).await? {
            continue;
        }
        let rows = ddl::rows_of_listed(session, &format!("SELECT team FROM {keyspace}.{table} LIMIT 1")).await?;
        if let Some((team,)) = rows.maybe_first_row::<(String,)>().map_err(|error| unreadable(table, error))? {
            let team = TeamId::parse(&team).map_err(|error| unreadable(table, error))?;
            return Ok(Some(team.region()));
        }
    }
    Ok(None)
}

/// Refuses a keyspace that is of another region.
pub(super) fn same(keyspace: &str, found: Option<Region>, asked: Region) -> Result<(), MigrationError> {
    match found.filter(|found| *found != asked) {
        Some(found) => Err(MigrationError::OtherRegion { keyspace: keyspace.to_owned(), found, asked }),
        None => Ok(()),
    }
}

/// Records the region, unless somebody was faster.
///
/// # Errors
/// [`MigrationError::OtherRegion`]: it is of another one.
pub(super) async fn record(session: &Session, keyspace: &str, asked: Region) -> Result<(), MigrationError> {
    same(keyspace, found(session, keyspace).await?, asked)?;
    let text = format!("INSERT INTO {keyspace}.{TABLE} (lane, region) VALUES (0, ?) IF NOT EXISTS");
    ddl::rows(session, &text, (asked.to_string(),)).await?;
    same(keyspace, recorded(session, keyspace).await?, asked)
}
