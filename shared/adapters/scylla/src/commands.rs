//! The keyspace of a command API: books, facts, views and what else follows from its log.
//!
//! Every write carries the write timestamp of its command's position, so a late write of a partition's former owner
//! loses in every table, and the same command decided again writes the same cells. Nothing that follows from the log is
//! written conditionally.
//!
//! Nothing is deleted either: that a row is removed is a live cell with the position of its removal. A tombstone would be
//! forgotten after `gc_grace_seconds`, and an older write could then return from a replica that had missed it; it would
//! also win against a value at the same timestamp.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_kernel::Partition;
use tidegate_ports::{Account, Accounts, Clock, Halt, StoreError};

use crate::schema::{Migration, Schema, Tables};
use crate::session::Cql;

mod books;
mod compared;
mod copying;
mod deliveries;
mod due;
mod facts;
mod owner_keys;
mod positions;
mod releases;
mod statements;
mod views;
mod voids;

pub use copying::Copied;
pub use statements::CommandStatements;

/// A connection to a keyspace of a command API.
pub type CommandCql = Cql<CommandStatements>;

/// The schema of every command API's keyspaces.
pub static SCHEMA: Schema<CommandStatements> = Schema {
    tables: Tables {
        migrations: &[
            Migration { version: 1, name: "commands", text: include_str!("../migrations/commands/0001_commands.cql") },
            Migration { version: 2, name: "accounts", text: include_str!("../migrations/commands/0002_accounts.cql") },
            Migration { version: 3, name: "releases", text: include_str!("../migrations/commands/0003_releases.cql") },
        ],
        regional_ids: &[],
        batches: &["save_views", "save_due", "save_deliveries"],
        // A decision from a book or without a fact that was acknowledged would be another decision.
        needs_quorums: true,
        compared: compared::TABLES,
        any_row: "SELECT owner FROM books LIMIT 1",
    },
    prepare: |session| Box::pin(CommandStatements::prepare(session)),
};

/// The ports of a command API's tables. Cheap to clone.
#[derive(Clone)]
pub struct ScyllaCommands {
    cql: CommandCql,
    /// Says how long a fact still lives.
    clock: Arc<dyn Clock>,
    /// Seconds that each fact lives at least, also one that has expired.
    facts_live_s: i32,
}

impl ScyllaCommands {
    pub fn new(cql: CommandCql, clock: Arc<dyn Clock>) -> Self {
        ScyllaCommands { cql, clock, facts_live_s: 0 }
    }

    /// For a store that is rebuilt from a log: facts that have expired by now are stored for a week all the same. Records
    /// that the log has soon after theirs were decided by them, and are decided again.
    #[must_use]
    pub fn rebuilding(self) -> Self {
        ScyllaCommands { facts_live_s: facts::REBUILD_TTL_S, ..self }
    }
}

#[async_trait]
impl Accounts for ScyllaCommands {
    async fn settle(&self, account: Account) -> Result<(), StoreError> {
        self.cql.settle(account).await
    }

    async fn account(&self, generation: u16, partition: Partition) -> Result<Option<Account>, StoreError> {
        self.cql.account(generation, partition).await
    }

    async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        self.cql.accounts().await
    }

    async fn halt(&self, halt: Halt) -> Result<(), StoreError> {
        self.cql.halt(halt).await
    }

    async fn halts(&self) -> Result<Vec<Halt>, StoreError> {
        self.cql.halts().await
    }
}
