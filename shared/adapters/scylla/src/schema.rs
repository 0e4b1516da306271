//! A product's schema: the migrations that create its tables, and the statements that use them.

use futures_util::future::BoxFuture;
use scylla::client::session::Session;
use sha2::{Digest, Sha256};
use tidegate_kernel::Region;
use tidegate_ports::StoreError;

use crate::compared_table::ComparedTable;
use crate::options::{OptionError, ScyllaOptions, check_keyspace};

/// The schema of one product's keyspaces, with the prepared statements `S`.
pub struct Schema<S> {
    pub(crate) tables: Tables,
    pub(crate) prepare: for<'s> fn(&'s Session) -> BoxFuture<'s, Result<S, StoreError>>,
}

/// What is known of the tables without a session.
pub(crate) struct Tables {
    /// In order. Versions begin at 1, numbers are never reused, and the text of an applied migration never changes.
    pub migrations: &'static [Migration],
    /// Where to find an id that names the region of the data, in the order of the search.
    pub regional_ids: &'static [RegionalId],
    /// The names of batches in metrics, in addition to those of statements.
    pub batches: &'static [&'static str],
    /// Whether every read must see every acknowledged write.
    pub needs_quorums: bool,
    /// The tables that are functions of the log.
    pub compared: &'static [ComparedTable],
    /// Selects at most one row, which is there once anything of a log was applied.
    pub any_row: &'static str,
}

/// One step of a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migration {
    pub version: i32,
    pub name: &'static str,
    pub(crate) text: &'static str,
}

/// A column with ids that name their region.
pub(crate) struct RegionalId {
    pub table: &'static str,
    pub column: &'static str,
    pub region: fn(&str) -> Result<Region, StoreError>,
}

impl<S> Schema<S> {
    /// # Errors
    /// [`OptionError`]: a keyspace of this schema cannot be used with these options.
    pub fn check_options(&self, options: &ScyllaOptions) -> Result<(), OptionError> {
        self.tables.check_options(options)
    }
}

impl Tables {
    /// The version that this build needs.
    pub fn version(&self) -> i32 {
        self.migrations.last().map_or(0, |last| last.version)
    }

    /// Refuses options that this keyspace cannot be used with.
    pub fn check_options(&self, options: &ScyllaOptions) -> Result<(), OptionError> {
        check_keyspace(&options.keyspace)?;
        if self.needs_quorums && !options.consistency.is_quorum() {
            return Err(OptionError::NoQuorum { keyspace: options.keyspace.clone(), found: options.consistency });
        }
        Ok(())
    }
}

impl Migration {
    /// SHA-256 of the text, in hex.
    pub(crate) fn checksum(&self) -> String {
        Sha256::digest(self.text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The statements of the text, without comments.
    pub(crate) fn statements(&self) -> Vec<String> {
        let lines = self.text.lines().filter(|line| !line.trim_start().starts_with("--"));
        let text = lines.collect::<Vec<_>>().join("\n");
        text.split(";\n")
            .map(|statement| statement.trim().trim_end_matches(';').to_owned())
            .filter(|s| !s.is_empty())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::options::{Consistency, OptionError, ScyllaOptions};
    use crate::{agentping, commands};

    #[test]
    fn migrations_are_numbered_without_gaps_and_repeatable() {
        for tables in [&agentping::SCHEMA.tables, &commands::SCHEMA.tables] {
            for (index, migration) in tables.migrations.iter().enumerate() {
                assert_eq!(migration.version as usize, index + 1);
                let statements = migration.statements();
                assert!(!statements.is_empty());
                for statement in statements {
                    assert!(statement.contains(" IF NOT EXISTS "), "{statement}");
                    assert!(!statement.contains(';') && !statement.contains("--"), "{statement}");
                }
            }
            assert_eq!(tables.version() as usize, tables.migrations.len());
        }
    }

    #[test]
    fn only_books_need_quorums() {
        use Consistency::{All, LocalOne, LocalQuorum, One, Quorum};
        for consistency in [One, LocalOne, LocalQuorum, Quorum, All] {
            let options = ScyllaOptions { consistency, ..ScyllaOptions::default() };
            assert_eq!(agentping::SCHEMA.tables.check_options(&options), Ok(()));
            let checked = commands::SCHEMA.tables.check_options(&options);
            let refused = OptionError::NoQuorum { keyspace: options.keyspace, found: consistency };
            let fits = matches!(consistency, LocalQuorum | Quorum);
            assert_eq!(checked, if fits { Ok(()) } else { Err(refused) }, "{consistency}");
        }
    }
}
