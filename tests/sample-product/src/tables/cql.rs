//! Totals over CQL, in the keyspace of the accounts.

use std::error::Error;

use async_trait::async_trait;
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::statement::prepared::PreparedStatement;
use tidegate_ports::{FailureCause, StoreError};
use tidegate_scylla::AgentPingCql;

use crate::counting::{Counters, Total};
use crate::mark::CounterId;

const TABLE: &str =
    "CREATE TABLE IF NOT EXISTS counters (counter text PRIMARY KEY, total bigint, marks bigint, folded_to bigint)";
const READ: &str = "SELECT total, marks, folded_to FROM counters WHERE counter = ?";
/// Of two totals the one that reaches further stays, whichever comes first.
const SAVE: &str = "INSERT INTO counters (counter, total, marks, folded_to) VALUES (?, ?, ?, ?) USING TIMESTAMP ?";

/// Each save is one row, with a write timestamp from the place that it reaches.
pub struct CqlCounters {
    cql: AgentPingCql,
    session: Session,
    read: PreparedStatement,
    save: PreparedStatement,
}

impl CqlCounters {
    /// # Errors
    /// What the driver says.
    pub async fn open(cql: AgentPingCql, node: &str, keyspace: &str) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let session = SessionBuilder::new().known_node(node).use_keyspace(keyspace, false).build().await?;
        session.query_unpaged(TABLE, ()).await?;
        Ok(CqlCounters { cql, read: session.prepare(READ).await?, save: session.prepare(SAVE).await?, session })
    }
}

#[async_trait]
impl Counters for CqlCounters {
    async fn read(&self, counter: CounterId) -> Result<Option<Total>, StoreError> {
        let found = self.session.execute_unpaged(&self.read, (counter.to_string(),)).await.map_err(unavailable)?;
        let rows = found.into_rows_result().map_err(unavailable)?;
        let row = rows.maybe_first_row::<(i64, i64, Option<i64>)>().map_err(unavailable)?;
        Ok(row.map(|(total, marks, folded_to)| Total { total, marks, folded_to }))
    }

    async fn save(&self, counter: CounterId, Total { total, marks, folded_to }: Total) -> Result<(), StoreError> {
        let values = (counter.to_string(), total, marks, folded_to, folded_to);
        self.session.execute_unpaged(&self.save, values).await.map(drop).map_err(unavailable)
    }

    async fn starts(&self) -> Result<u64, StoreError> {
        self.cql.starts().await
    }
}

/// With the driver's error as its source.
fn unavailable(error: impl Error + Send + Sync + 'static) -> StoreError {
    StoreError::Unavailable(FailureCause::from(error.to_string()).caused_by(error))
}
