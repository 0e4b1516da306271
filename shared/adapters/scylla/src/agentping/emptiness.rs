//! Checks that a keyspace contains no run, which is required before it is rebuilt from the log.

use tidegate_ports::StoreError;

use crate::failure::unreadable;
use crate::options::ScyllaOptions;
use crate::session::{attempts, connect};
use crate::statement::Prepared;

/// Whether the keyspace, which must be migrated, contains no run.
///
/// # Errors
/// [`StoreError`].
pub async fn is_empty(options: &ScyllaOptions) -> Result<bool, StoreError> {
    const KIND: &str = "any_run";
    let session = connect(options, true).await?;
    let any_run = Prepared::of(&session, KIND, "SELECT team FROM runs LIMIT 1").await?;
    let answer = attempts(options.retries, KIND, || session.execute_unpaged(&any_run.query, ())).await?;
    let rows = answer.into_rows_result();
    Ok(rows.map_err(|error| unreadable(KIND, error))?.rows_num() == 0)
}
