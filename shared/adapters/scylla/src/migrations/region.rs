//! The region of a keyspace's data, recorded once, like the marker of a data folder.
//!
//! A keyspace of an earlier build has no such row. Its region is then that of its data, where ids name their region.
//! An empty keyspace gets the region of the process that migrates it first.

use scylla::client::session::Session;
use tidegate_kernel::Region;
use tidegate_ports::StoreError;

use super::{MigrationError, ddl};
use crate::failure::unreadable;
use crate::schema::{RegionalId, Tables};

const TABLE: &str = "schema_region";

/// The recorded region; `None` if none is recorded yet.
pub(super) async fn recorded(session: &Session, keyspace: &str) -> Result<Option<Region>, StoreError> {
    if !ddl::table_exists(session, keyspace, TABLE).await? {
        return Ok(None);
    }
    let text = format!("SELECT region FROM {keyspace}.{TABLE} WHERE lane = 0");
    let rows = ddl::rows_of_listed(session, &text).await?;
    let row = rows.maybe_first_row::<(String,)>().map_err(|error| unreadable(TABLE, error))?;
    row.map(|(region,)| region.parse().map_err(|error| unreadable(TABLE, error))).transpose()
}

/// The recorded region, or the region of the ids in the keyspace; `None` if the keyspace is empty.
pub(super) async fn found(session: &Session, keyspace: &str, tables: &Tables) -> Result<Option<Region>, StoreError> {
    if let Some(region) = recorded(session, keyspace).await? {
        return Ok(Some(region));
    }
    for RegionalId { table, column, region } in tables.regional_ids {
        if !ddl::table_exists(session, keyspace, table).await? {
            continue;
        }
        let text = format!("SELECT {column} FROM {keyspace}.{table} LIMIT 1");
        let rows = ddl::rows_of_listed(session, &text).await?;
        if let Some((id,)) = rows.maybe_first_row::<(String,)>().map_err(|error| unreadable(table, error))? {
            return region(&id).map(Some);
        }
    }
    Ok(None)
}

/// Refuses a keyspace of another region.
pub(super) fn same(keyspace: &str, found: Option<Region>, asked: Region) -> Result<(), MigrationError> {
    match found.filter(|found| *found != asked) {
        Some(found) => Err(MigrationError::OtherRegion { keyspace: keyspace.to_owned(), found, asked }),
        None => Ok(()),
    }
}

/// Records the region, unless another process has recorded one.
///
/// # Errors
/// [`MigrationError::OtherRegion`]: the keyspace is of another region.
pub(super) async fn record(
    session: &Session,
    keyspace: &str,
    asked: Region,
    tables: &Tables,
) -> Result<(), MigrationError> {
    same(keyspace, found(session, keyspace, tables).await?, asked)?;
    let text = format!("INSERT INTO {keyspace}.{TABLE} (lane, region) VALUES (0, ?) IF NOT EXISTS");
    ddl::rows(session, &text, (asked.to_string(),)).await?;
    same(keyspace, recorded(session, keyspace).await?, asked)
}
