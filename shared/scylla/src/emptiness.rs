//! Whether a keyspace holds any run: one that is to be filled from the log must not.

use tidegate_ports::StoreError;

use crate::failure::{store_error, unreadable};
use crate::options::ScyllaOptions;
use crate::session::connect;

/// Whether the keyspace, which must be migrated, holds no run at all.
///
/// # Errors
/// [`StoreError`].
pub async fn is_empty(options: &ScyllaOptions) -> Result<bool, StoreError> {
    const KIND: &str = "any_run";
    let session = connect(options, true).await?;
    let answer = session.query_unpaged("SELECT team FROM runs LIMIT 1", ()).await;
    let rows = answer.map_err(|error| store_error(KIND, 1, &error))?.into_rows_result();
    Ok(rows.map_err(|error| unreadable(KIND, error))?.rows_num() == 0)
}
