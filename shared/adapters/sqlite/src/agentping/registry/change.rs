//! One change of the registry: its checks and its writes, in one transaction.

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use tidegate_agentping::id::PublicKind;
use tidegate_agentping::{Id, Plan, TeamId};
use tidegate_agentping_ports::RegistryError;

use super::plan_at;
use crate::agentping::store::id_blob::blob_of;
use crate::sqlite::failure::failure;
use crate::sqlite::values::unsigned;

/// Why a change was not made: a rule of the registry, or SQLite.
pub(super) enum Unmade {
    Rule(RegistryError),
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Unmade {
    fn from(error: rusqlite::Error) -> Self {
        Unmade::Sqlite(error)
    }
}

impl From<RegistryError> for Unmade {
    fn from(error: RegistryError) -> Self {
        Unmade::Rule(error)
    }
}

impl From<Unmade> for RegistryError {
    fn from(unmade: Unmade) -> Self {
        match unmade {
            Unmade::Rule(error) => error,
            Unmade::Sqlite(error) => RegistryError::Store(failure(error)),
        }
    }
}

/// Takes the write lock first, so that what the checks saw still holds when the writes are made: a second process
/// may be changing it too. Also returns the changes made since the registry was made.
pub(super) fn in_transaction<T>(
    connection: &mut Connection,
    change: impl FnOnce(&Transaction<'_>) -> Result<T, Unmade>,
) -> Result<(T, u64), Unmade> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let made = change(&transaction)?;
    let count = transaction
        .prepare_cached("UPDATE changes SET made = made + 1 RETURNING made")?
        .query_one([], |row| unsigned(row, 0))?;
    transaction.commit()?;
    Ok((made, count))
}

pub(super) fn not_found<K: PublicKind>(what: &'static str, id: Id<K>) -> RegistryError {
    RegistryError::NotFound { what, id: id.to_string() }
}

pub(super) fn exists<K: PublicKind>(what: &'static str, id: Id<K>) -> RegistryError {
    RegistryError::Exists { what, id: id.to_string() }
}

/// The team's plan, or the refusal for a team that is not there.
pub(super) fn plan_of(connection: &Connection, team: TeamId) -> Result<Plan, Unmade> {
    let found = connection
        .prepare_cached("SELECT plan FROM teams WHERE team = ?1")?
        .query_row(params![blob_of(team)], |row| plan_at(row, 0))
        .optional()?;
    Ok(found.ok_or_else(|| not_found("team", team))?)
}
