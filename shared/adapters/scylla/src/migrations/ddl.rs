//! Schema statements: sent unprepared, each followed by a wait for schema agreement of all nodes.

use scylla::client::session::Session;
use scylla::errors::{DbError, ExecutionError, RequestAttemptError};
use scylla::response::query_result::QueryRowsResult;
use scylla::serialize::row::SerializeRow;
use scylla::statement::Statement;
use tidegate_ports::{FailureCause, StoreError};
use tokio::time::{Duration, Instant};

use crate::failure::{store_error, unreadable};
use crate::options::Replication;
use crate::schema::Migration;

/// How long a listed table may take until it can be queried.
const USABLE_WITHIN: Duration = Duration::from_secs(20);
const USABLE_POLL: Duration = Duration::from_millis(200);

pub(super) struct Ddl<'s> {
    pub session: &'s Session,
    /// A plain name, since it is inserted in statements without quotes.
    pub keyspace: &'s str,
}

impl Ddl<'_> {
    pub async fn create_keyspace(&self, replication: &Replication) -> Result<(), StoreError> {
        let text =
            format!("CREATE KEYSPACE IF NOT EXISTS {} WITH replication = {}", self.keyspace, replication.to_cql());
        // Early versions of ScyllaDB's tablets do not support conditional writes; older versions reject the option.
        if table_exists(self.session, "system_schema", "scylla_tables").await? {
            match run(self.session, &format!("{text} AND tablets = {{'enabled': false}}"), ()).await {
                Ok(_) => return Ok(()),
                Err(error) if !is_refusal(&error) => return Err(store_error("create_keyspace", 1, &error)),
                Err(_) => {}
            }
        }
        run(self.session, &text, ()).await.map(drop).map_err(|error| store_error("create_keyspace", 1, &error))
    }

    /// Creates the tables of applied migrations, the lock and the region.
    pub async fn create_bookkeeping(&self) -> Result<(), StoreError> {
        for columns in [
            "schema_migrations (version int PRIMARY KEY, name text, checksum text, applied_at timestamp)",
            "schema_lock (lane int PRIMARY KEY, holder text)",
            "schema_region (lane int PRIMARY KEY, region text)",
        ] {
            let keyspace = self.keyspace;
            let made = run(self.session, &format!("CREATE TABLE IF NOT EXISTS {keyspace}.{columns}"), ()).await;
            made.map_err(|error| store_error("create_bookkeeping", 1, &error))?;
        }
        Ok(())
    }

    /// Runs a `CREATE TABLE IF NOT EXISTS name …`, or the like, in the keyspace.
    pub async fn run_in_keyspace(&self, statement: &str) -> Result<(), StoreError> {
        let in_keyspace = format!("TABLE IF NOT EXISTS {}.", self.keyspace);
        let text = statement.replace("TABLE IF NOT EXISTS ", &in_keyspace);
        run(self.session, &text, ()).await.map(drop).map_err(|error| store_error("migrate", 1, &error))
    }

    pub async fn record(&self, migration: &Migration) -> Result<(), StoreError> {
        let text = format!(
            "INSERT INTO {}.schema_migrations (version, name, checksum, applied_at) VALUES (?, ?, ?, toTimestamp(now()))",
            self.keyspace
        );
        let values = (migration.version, migration.name, migration.checksum());
        run(self.session, &text, values).await.map(drop).map_err(|error| store_error("record_migration", 1, &error))
    }
}

/// Whether the server understood the statement and refuses it.
fn is_refusal(error: &ExecutionError) -> bool {
    let refused = |error: &DbError| matches!(error, DbError::SyntaxError | DbError::Invalid | DbError::ConfigError);
    matches!(error, ExecutionError::LastAttemptError(RequestAttemptError::DbError(error, _)) if refused(error))
}

pub(super) async fn table_exists(session: &Session, keyspace: &str, table: &str) -> Result<bool, StoreError> {
    let text = "SELECT table_name FROM system_schema.tables WHERE keyspace_name = ? AND table_name = ?";
    Ok(rows(session, text, (keyspace, table)).await?.rows_num() > 0)
}

pub(super) async fn rows(
    session: &Session,
    text: &str,
    values: impl SerializeRow,
) -> Result<QueryRowsResult, StoreError> {
    let answer = run(session, text, values).await.map_err(|error| store_error("schema", 1, &error))?;
    answer.into_rows_result().map_err(|error| unreadable("schema", error))
}

/// Rows of a table that the schema lists. A slow node lists a new table before it can be queried, and until then
/// reports that it does not exist.
///
/// # Errors
/// [`StoreError::Unavailable`] if the table still cannot be queried after [`USABLE_WITHIN`].
pub(super) async fn rows_of_listed(session: &Session, text: &str) -> Result<QueryRowsResult, StoreError> {
    let end = Instant::now() + USABLE_WITHIN;
    loop {
        match run(session, text, ()).await {
            Ok(answer) => return answer.into_rows_result().map_err(|error| unreadable("schema", error)),
            Err(error) if !is_refusal(&error) => return Err(store_error("schema", 1, &error)),
            Err(error) if Instant::now() >= end => {
                let text = format!("a table is listed and not usable yet: {error}");
                return Err(StoreError::Unavailable(FailureCause::timeout(text).caused_by(error)));
            }
            Err(_) => tokio::time::sleep(USABLE_POLL).await,
        }
    }
}

async fn run(
    session: &Session,
    text: &str,
    values: impl SerializeRow,
) -> Result<scylla::response::query_result::QueryResult, ExecutionError> {
    let mut statement = Statement::new(text);
    statement.set_is_idempotent(!text.contains(" IF ") || text.contains("IF NOT EXISTS"));
    // The driver waits for schema agreement after a schema statement.
    session.query_unpaged(statement, values).await
}
