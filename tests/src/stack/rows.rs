//! Any CQL client: reads and writes rows as an outsider would.

use std::time::Duration;

use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use serde_json::Value;

const CONNECTS: Duration = Duration::from_secs(90);

/// A session without a keyspace: statements name theirs.
pub struct Rows {
    session: Session,
}

impl Rows {
    /// # Errors
    /// What the driver says.
    pub async fn connect(address: &str) -> Result<Self, String> {
        let builder = SessionBuilder::new().known_node(address).connection_timeout(CONNECTS);
        let session = builder.fetch_schema_metadata(false).build().await;
        Ok(Rows { session: session.map_err(|error| format!("{address}: {error}"))? })
    }

    /// Runs a statement that returns no rows.
    ///
    /// # Errors
    /// What the driver says.
    pub async fn execute(&self, statement: &str) -> Result<(), String> {
        let done = self.session.query_unpaged(statement, &[]).await;
        done.map(drop).map_err(|error| format!("{statement}: {error}"))
    }

    /// The rows of a `SELECT JSON`, each as JSON.
    ///
    /// # Errors
    /// What the driver says, or rows that are no JSON.
    pub async fn select(&self, statement: &str) -> Result<Vec<Value>, String> {
        let rows = self.texts(statement).await?;
        rows.iter().map(|row| serde_json::from_str(row).map_err(|error| format!("{row}: {error}"))).collect()
    }

    /// The names of all keyspaces.
    ///
    /// # Errors
    /// What the driver says.
    pub async fn keyspaces(&self) -> Result<Vec<String>, String> {
        self.texts("SELECT keyspace_name FROM system_schema.keyspaces").await
    }

    /// The only column of each row.
    async fn texts(&self, statement: &str) -> Result<Vec<String>, String> {
        let found = self.session.query_unpaged(statement, &[]).await;
        let found = found.map_err(|error| format!("{statement}: {error}"))?;
        let rows = found.into_rows_result().map_err(|error| format!("{statement}: {error}"))?;
        let texts = rows.rows::<(String,)>().map_err(|error| format!("{statement}: {error}"))?;
        texts.map(|row| row.map(|(text,)| text).map_err(|error| format!("{statement}: {error}"))).collect()
    }
}
