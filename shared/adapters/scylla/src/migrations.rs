//! A schema as numbered migrations, each applied once.
//!
//! `schema_migrations` has the applied migrations with their checksums. Every statement may run again, so an
//! interrupted migration is applied once more; a lock row prevents two processes from applying at once.

use std::collections::BTreeMap;

use scylla::client::session::Session;
use tidegate_kernel::Region;
use tidegate_ports::{FailureCause, StoreError};

use crate::failure::unreadable;
use crate::options::{OptionError, Replication, ScyllaOptions};
use crate::schema::{Migration, Schema, Tables};
use crate::session::connect;

mod ddl;
mod lock;
mod region;
pub(crate) mod replicas;

use ddl::Ddl;
use lock::Lock;

/// The changes that [`apply`] made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The newly applied migrations, in order.
    pub migrations: Vec<Migration>,
    /// Whether the region was newly recorded.
    pub region: bool,
}

/// Why the schema was not brought up to date.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MigrationError {
    #[error(transparent)]
    Option(#[from] OptionError),
    #[error(
        "the schema of keyspace '{keyspace}' is at version {found}, and this build knows versions up to {known}: use a newer build"
    )]
    Newer { keyspace: String, found: i32, known: i32 },
    #[error(
        "migration {version} ({name}) was applied to keyspace '{keyspace}' with another text: this build and the keyspace do not belong together"
    )]
    Changed { keyspace: String, version: i32, name: String },
    #[error(
        "another process has been migrating keyspace '{keyspace}' for too long; if none is, wait two minutes and try again"
    )]
    Locked { keyspace: String },
    #[error(
        "keyspace '{keyspace}' holds data of region '{found}', not '{asked}': set region = \"{found}\" (TIDEGATE_REGION, --region), or name another keyspace with scylla.keyspace"
    )]
    OtherRegion { keyspace: String, found: Region, asked: Region },
    #[error(
        "keyspace '{keyspace}' has replication {found}, configured is {wanted}: run `ALTER KEYSPACE {keyspace} WITH replication = {map}` and then `nodetool repair -full {keyspace}` on every node, or set scylla.replication to what is there"
    )]
    Replication { keyspace: String, found: String, wanted: String, map: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The changes that [`apply`] would make: all of them if the keyspace does not exist.
///
/// # Errors
/// [`MigrationError`].
pub async fn pending<S>(
    options: &ScyllaOptions,
    replication: &Replication,
    schema: &Schema<S>,
) -> Result<Applied, MigrationError> {
    schema.tables.check_options(options)?;
    let session = connect(options, false).await?;
    to_do(&session, options, replication, &schema.tables).await
}

async fn to_do(
    session: &Session,
    options: &ScyllaOptions,
    replication: &Replication,
    tables: &Tables,
) -> Result<Applied, MigrationError> {
    let keyspace = &options.keyspace;
    let migrations = pending_in(session, keyspace, tables).await?;
    region::same(keyspace, region::found(session, keyspace, tables).await?, options.region)?;
    replicas::check(session, keyspace, replication).await?;
    Ok(Applied { migrations, region: region::recorded(session, keyspace).await?.is_none() })
}

/// Creates the keyspace if it is missing, applies pending migrations, and records the region. It is idempotent and may
/// run in several processes at once.
///
/// # Errors
/// [`MigrationError`]: of a keyspace that is another region's or replicated otherwise nothing is changed. What was
/// applied before the failure stays.
pub async fn apply<S>(
    options: &ScyllaOptions,
    replication: &Replication,
    schema: &Schema<S>,
) -> Result<Applied, MigrationError> {
    schema.tables.check_options(options)?;
    let session = connect(options, false).await?;
    let ddl = Ddl { session: &session, keyspace: &options.keyspace };
    let to_do = to_do(&session, options, replication, &schema.tables).await?;
    if to_do == Applied::default() {
        return Ok(to_do);
    }
    ddl.create_keyspace(replication).await?;
    ddl.create_bookkeeping().await?;
    let mut lock = lock::take(&session, &options.keyspace).await?;
    let applied = apply_pending(&ddl, &mut lock, options.region, &schema.tables).await;
    lock.release().await?;
    applied
}

async fn apply_pending(
    ddl: &Ddl<'_>,
    lock: &mut Lock<'_>,
    asked: Region,
    tables: &Tables,
) -> Result<Applied, MigrationError> {
    let pending = pending_in(ddl.session, ddl.keyspace, tables).await?;
    for migration in &pending {
        tracing::info!(keyspace = ddl.keyspace, version = migration.version, name = migration.name, "migrating");
        for statement in migration.statements() {
            lock.renew().await?;
            ddl.run_in_keyspace(&statement).await?;
        }
        ddl.record(migration).await?;
    }
    let region = region::recorded(ddl.session, ddl.keyspace).await?.is_none();
    region::record(ddl.session, ddl.keyspace, asked, tables).await?;
    Ok(Applied { migrations: pending, region })
}

async fn pending_in(session: &Session, keyspace: &str, tables: &Tables) -> Result<Vec<Migration>, MigrationError> {
    let applied = applied(session, keyspace).await?;
    let known = tables.version();
    if let Some(found) = applied.keys().next_back().copied().filter(|found| *found > known) {
        return Err(MigrationError::Newer { keyspace: keyspace.to_owned(), found, known });
    }
    let mut pending = Vec::new();
    for migration in tables.migrations {
        match applied.get(&migration.version) {
            None => pending.push(*migration),
            Some(checksum) if *checksum == migration.checksum() => {}
            Some(_) => {
                let (keyspace, name) = (keyspace.to_owned(), migration.name.to_owned());
                return Err(MigrationError::Changed { keyspace, version: migration.version, name });
            }
        }
    }
    Ok(pending)
}

/// Checks that the keyspace has this region and the schema version that this build needs.
pub(crate) async fn check(
    session: &Session,
    keyspace: &str,
    region: Region,
    tables: &Tables,
) -> Result<(), StoreError> {
    match judged(session, keyspace, region, tables).await {
        Ok(pending) if pending.is_empty() => Ok(()),
        Ok(pending) => {
            let names: Vec<String> = pending.iter().map(|one| format!("{} ({})", one.version, one.name)).collect();
            let names = names.join(", ");
            Err(StoreError::Broken(
                format!("keyspace '{keyspace}' lacks migrations {names}: run `tidegate migrate`").into(),
            ))
        }
        Err(MigrationError::Store(error)) => Err(error),
        Err(error) => Err(StoreError::Broken(FailureCause::from(error.to_string()).caused_by(error))),
    }
}

/// The pending migrations in a keyspace of this region. A region that is not recorded yet counts as pending.
async fn judged(
    session: &Session,
    keyspace: &str,
    asked: Region,
    tables: &Tables,
) -> Result<Vec<Migration>, MigrationError> {
    let pending = pending_in(session, keyspace, tables).await?;
    let recorded = region::recorded(session, keyspace).await?;
    region::same(keyspace, recorded, asked)?;
    if pending.is_empty() && recorded.is_none() {
        let text = format!("the region of keyspace '{keyspace}' is not recorded: run `tidegate migrate`");
        return Err(StoreError::Broken(text.into()).into());
    }
    Ok(pending)
}

/// Compares the recorded region, or the region of the ids in the keyspace, with that of the options. A missing or empty
/// keyspace matches any region.
///
/// # Errors
/// [`MigrationError::OtherRegion`], or the store cannot be read.
pub async fn check_region<S>(options: &ScyllaOptions, schema: &Schema<S>) -> Result<(), MigrationError> {
    schema.tables.check_options(options)?;
    let session = connect(options, false).await?;
    let found = region::found(&session, &options.keyspace, &schema.tables).await?;
    region::same(&options.keyspace, found, options.region)
}

/// The applied versions with their checksums; empty if the table does not exist.
async fn applied(session: &Session, keyspace: &str) -> Result<BTreeMap<i32, String>, MigrationError> {
    if !ddl::table_exists(session, keyspace, "schema_migrations").await? {
        return Ok(BTreeMap::new());
    }
    let text = format!("SELECT version, checksum FROM {keyspace}.schema_migrations");
    let rows = ddl::rows_of_listed(session, &text).await?;
    let rows = rows.rows::<(i32, String)>().map_err(|error| unreadable("schema_migrations", error))?;
    let mut applied = BTreeMap::new();
    for row in rows {
        let (version, checksum) = row.map_err(|error| unreadable("schema_migrations", error))?;
        applied.insert(version, checksum);
    }
    Ok(applied)
}
