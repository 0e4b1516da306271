//! A session with the cluster: its prepared statements, retries and metrics.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, TryStreamExt, stream};
use scylla::client::execution_profile::ExecutionProfile;
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::errors::{ExecutionError, NewSessionError};
use scylla::policies::load_balancing::DefaultPolicy;
use scylla::response::query_result::QueryRowsResult;
use scylla::response::{PagingState, PagingStateResponse};
use scylla::serialize::row::SerializeRow;
use scylla::statement::{Consistency as DriverConsistency, SerialConsistency};
use scylla::value::{CqlValue, Row};
use tidegate_ports::{FailureCause, StoreError};

use crate::batch::PartitionBatch;
use crate::durability::Durability;
use crate::failure::{kind_of, may_pass, store_error, unreadable};
use crate::metrics::{REQUEST_SECONDS, REQUESTS, RETRIES};
use crate::options::{Consistency, OptionError, ScyllaOptions, check_keyspace};
use crate::schema::Schema;
use crate::starts::Starts;
use crate::statement::Prepared;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// One keyspace of a cluster, with every statement `S` of its schema prepared. Cheap to clone.
pub struct Cql<S>(Arc<Inner<S>>);

struct Inner<S> {
    session: Session,
    statements: S,
    starts: Starts,
    durability: Durability,
    retries: u32,
    concurrency: usize,
}

/// A page of rows, and the state of the next page.
pub(crate) struct Page {
    pub rows: QueryRowsResult,
    pub next: Option<PagingState>,
}

impl<S> Clone for Cql<S> {
    fn clone(&self) -> Self {
        Cql(Arc::clone(&self.0))
    }
}

impl<S> Cql<S> {
    /// Connects, checks that the keyspace has the schema that this build needs, and prepares every statement.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if no node answers; [`StoreError::Broken`] if the credentials, the keyspace, its
    /// schema or the consistency level are wrong, with advice.
    pub async fn connect(options: &ScyllaOptions, schema: &Schema<S>) -> Result<Self, StoreError> {
        schema.tables.check_options(options).map_err(broken)?;
        let session = connect(options, true).await?;
        crate::migrations::check(&session, &options.keyspace, options.region, &schema.tables).await?;
        warn_of_few_acknowledgements(&session, options).await?;
        let statements = (schema.prepare)(&session).await?;
        let starts = Starts::prepare(&session).await?;
        let durability = Durability::read(&session, &options.keyspace, options.consistency).await;
        schema.tables.batches.iter().copied().for_each(crate::metrics::register);
        let concurrency = options.concurrency.max(1);
        Ok(Cql(Arc::new(Inner { session, statements, starts, durability, retries: options.retries, concurrency })))
    }

    /// The durability of acknowledged writes in this keyspace.
    pub fn durability(&self) -> &Durability {
        &self.0.durability
    }

    /// A number that changes when a node of the cluster has started again: what it acknowledged shortly before may be gone
    /// then, in every table.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if no node answers.
    pub async fn starts(&self) -> Result<u64, StoreError> {
        self.0.starts.read(&self.0.session).await
    }

    pub(crate) fn statements(&self) -> &S {
        &self.0.statements
    }

    pub(crate) fn concurrency(&self) -> usize {
        self.0.concurrency
    }

    /// Sends a statement that returns few rows or none.
    pub(crate) async fn run(&self, statement: &Prepared, values: impl SerializeRow) -> Result<Page, StoreError> {
        self.page(statement, values, None, PagingState::start()).await
    }

    /// Sends an idempotent write.
    pub(crate) async fn write(&self, statement: &Prepared, values: impl SerializeRow) -> Result<(), StoreError> {
        let bound = statement.bind(values, None)?;
        self.attempts(statement.kind, || self.0.session.execute_bound_unpaged(&bound)).await.map(drop)
    }

    /// Sends a conditional write once: after a timeout it is unknown whether it was applied. The result always has a
    /// row.
    pub(crate) async fn conditional(
        &self,
        statement: &Prepared,
        values: impl SerializeRow,
    ) -> Result<QueryRowsResult, StoreError> {
        let bound = statement.bind(values, None)?;
        let answer = measured(statement.kind, self.0.session.execute_bound_unpaged(&bound)).await;
        let answer = answer.map_err(|error| store_error(statement.kind, 1, &error))?;
        answer.into_rows_result().map_err(|error| unreadable(statement.kind, error))
    }

    /// Sends a batch of conditional writes once: after a timeout it is unknown whether it was applied. Says whether it was.
    pub(crate) async fn conditional_batch(&self, batch: &PartitionBatch) -> Result<bool, StoreError> {
        let answer = measured(batch.kind, self.0.session.batch(&batch.batch, &batch.values)).await;
        let answer = answer.map_err(|error| store_error(batch.kind, 1, &error))?;
        let rows = answer.into_rows_result().map_err(|error| unreadable(batch.kind, error))?;
        let row: Row = rows.first_row().map_err(|error| unreadable("a conditional batch's answer", error))?;
        Ok(matches!(row.columns.first(), Some(Some(CqlValue::Boolean(true)))))
    }

    /// Reads one page, of the statement's own size if none is given.
    pub(crate) async fn page(
        &self,
        statement: &Prepared,
        values: impl SerializeRow,
        page_rows: Option<i32>,
        from: PagingState,
    ) -> Result<Page, StoreError> {
        let bound = statement.bind(values, page_rows)?;
        let once = || self.0.session.execute_bound_single_page(&bound, from.clone());
        let (answer, paging) = self.attempts(statement.kind, once).await?;
        let rows = answer.into_rows_result().map_err(|error| unreadable(statement.kind, error))?;
        let next = match paging {
            PagingStateResponse::HasMorePages { state } => Some(state),
            PagingStateResponse::NoMorePages => None,
        };
        Ok(Page { rows, next })
    }

    /// Writes an idempotent batch.
    pub(crate) async fn write_batch(&self, batch: &PartitionBatch) -> Result<(), StoreError> {
        if batch.values.is_empty() {
            return Ok(());
        }
        self.attempts(batch.kind, || self.0.session.batch(&batch.batch, &batch.values)).await.map(drop)
    }

    /// Writes idempotent batches of different partitions concurrently, in any order.
    pub(crate) async fn write_batches(&self, batches: Vec<PartitionBatch>, concurrency: usize) -> Result<(), StoreError>
    where
        S: Send + Sync + 'static,
    {
        let write = |batch: PartitionBatch| {
            let cql = self.clone();
            async move { cql.write_batch(&batch).await }
        };
        stream::iter(batches).map(write).buffer_unordered(concurrency).try_collect().await
    }

    async fn attempts<T, F>(&self, kind: &'static str, once: impl Fn() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, ExecutionError>>,
    {
        attempts(self.0.retries, kind, once).await
    }
}

/// Tries until an attempt succeeds, a failure is permanent, or the retries are used up.
pub(crate) async fn attempts<T, F>(retries: u32, kind: &'static str, once: impl Fn() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, ExecutionError>>,
{
    let mut pause = FIRST_PAUSE;
    let mut attempt = 1;
    loop {
        match measured(kind, once()).await {
            Ok(answer) => return Ok(answer),
            Err(error) if attempt <= retries && may_pass(&error) => {
                tracing::debug!(statement = kind, attempt, kind = %kind_of(&error), %error, "sending a request again");
                RETRIES.with([("kind", kind)]).increment(1);
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
                attempt += 1;
            }
            Err(error) => return Err(store_error(kind, attempt, &error)),
        }
    }
}

async fn measured<T>(
    kind: &'static str,
    request: impl Future<Output = Result<T, ExecutionError>>,
) -> Result<T, ExecutionError> {
    let began = Instant::now();
    let answer = request.await;
    REQUEST_SECONDS.with([("kind", kind)]).record(began.elapsed().as_secs_f64());
    let outcome = match &answer {
        Ok(_) => "ok",
        Err(error) => kind_of(error).as_str(),
    };
    REQUESTS.with([("kind", kind), ("outcome", outcome)]).increment(1);
    answer
}

/// A bare session, in the options' keyspace or in none.
pub(crate) async fn connect(options: &ScyllaOptions, in_keyspace: bool) -> Result<Session, StoreError> {
    check_keyspace(&options.keyspace).map_err(broken)?;
    let mut balancing = DefaultPolicy::builder().token_aware(true);
    if let Some(datacenter) = &options.datacenter {
        balancing = balancing.prefer_datacenter(datacenter.clone()).permit_dc_failover(true);
    }
    let profile = ExecutionProfile::builder()
        .consistency(options.consistency.into())
        .serial_consistency(Some(serial(options.consistency)))
        .request_timeout(Some(options.request_timeout))
        .load_balancing_policy(balancing.build())
        .build();
    let mut builder = SessionBuilder::new()
        .known_nodes(&options.nodes)
        .connection_timeout(options.connect_timeout)
        .tcp_nodelay(true)
        // Routing by token needs the replication of this keyspace; a cluster may have thousands of others' tables, and
        // a migration of thirty statements would read them all thirty times.
        .keyspaces_to_fetch([&options.keyspace])
        .refresh_metadata_on_auto_schema_agreement(in_keyspace)
        .default_execution_profile_handle(profile.into_handle());
    if let Some((name, password)) = &options.user {
        builder = builder.user(name, password);
    }
    let session = builder.build().await.map_err(|error| not_connected(options, error))?;
    if in_keyspace {
        session.use_keyspace(&options.keyspace, false).await.map_err(|error| {
            let keyspace = &options.keyspace;
            let text = format!("keyspace '{keyspace}' cannot be used: run `tidegate migrate` ({error})");
            StoreError::Broken(FailureCause::from(text).caused_by(error))
        })?;
    }
    Ok(session)
}

fn broken(error: OptionError) -> StoreError {
    StoreError::Broken(FailureCause::from(error.to_string()).caused_by(error))
}

/// Logs a warning for one acknowledgement with more than one copy: a read may then miss an earlier write.
async fn warn_of_few_acknowledgements(session: &Session, options: &ScyllaOptions) -> Result<(), StoreError> {
    if !matches!(options.consistency, Consistency::One | Consistency::LocalOne) {
        return Ok(());
    }
    let found = crate::migrations::replicas::found(session, &options.keyspace).await?;
    if let Some(found) = found.filter(crate::migrations::replicas::Found::has_copies) {
        tracing::warn!(
            keyspace = options.keyspace,
            replication = %found,
            "one replica acknowledges a write and answers a read, and there are more: what was acknowledged may be read \
             as missing, and is lost with its node; set scylla.consistency = \"local_quorum\""
        );
    }
    Ok(())
}

/// The error of a failed connection. It never contains the password: the driver's errors name nodes and their answers.
fn not_connected(options: &ScyllaOptions, error: NewSessionError) -> StoreError {
    let text = error.to_string();
    let refused = text.to_lowercase().contains("authentic") || text.contains("credentials");
    let nodes = options.nodes.join(", ");
    if refused {
        let text = format!("the cluster at {nodes} refuses the user name and password: {text}");
        StoreError::Broken(FailureCause::from(text).caused_by(error))
    } else {
        let text = format!("no node of {nodes} answers: {text}");
        StoreError::Unavailable(FailureCause::unreachable(text).caused_by(error))
    }
}

/// Of conditional writes: as wide as the reads and writes, so that two data centres do not each apply one.
const fn serial(consistency: Consistency) -> SerialConsistency {
    match consistency {
        Consistency::One | Consistency::LocalOne | Consistency::LocalQuorum => SerialConsistency::LocalSerial,
        Consistency::Quorum | Consistency::All => SerialConsistency::Serial,
    }
}

impl From<Consistency> for DriverConsistency {
    fn from(consistency: Consistency) -> Self {
        match consistency {
            Consistency::One => DriverConsistency::One,
            Consistency::LocalOne => DriverConsistency::LocalOne,
            Consistency::LocalQuorum => DriverConsistency::LocalQuorum,
            Consistency::Quorum => DriverConsistency::Quorum,
            Consistency::All => DriverConsistency::All,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditional_writes_are_as_wide_as_the_others() {
        for (consistency, expected) in [
            (Consistency::One, SerialConsistency::LocalSerial),
            (Consistency::LocalOne, SerialConsistency::LocalSerial),
            (Consistency::LocalQuorum, SerialConsistency::LocalSerial),
            (Consistency::Quorum, SerialConsistency::Serial),
            (Consistency::All, SerialConsistency::Serial),
        ] {
            assert_eq!(serial(consistency), expected, "{consistency}");
        }
    }
}
