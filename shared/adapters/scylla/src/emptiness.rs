//! Checks that a keyspace contains nothing of what the log says, which is required before it is rebuilt from the log.

use tidegate_ports::StoreError;

use crate::failure::unreadable;
use crate::options::ScyllaOptions;
use crate::schema::Schema;
use crate::session::{attempts, connect};
use crate::statement::Prepared;

/// Whether the keyspace, which must be migrated, contains nothing that follows from a log.
///
/// # Errors
/// [`StoreError`].
pub async fn is_empty<S>(options: &ScyllaOptions, schema: &Schema<S>) -> Result<bool, StoreError> {
    const KIND: &str = "any_row";
    let session = connect(options, true).await?;
    let any_row = Prepared::of(&session, KIND, schema.tables.any_row).await?;
    let answer = attempts(options.retries, KIND, || session.execute_unpaged(&any_row.query, ())).await?;
    let rows = answer.into_rows_result();
    Ok(rows.map_err(|error| unreadable(KIND, error))?.rows_num() == 0)
}
