//! Stores over CQL: ScyllaDB or Cassandra. The only crate that uses the scylla driver.
//!
//! A product has a keyspace of its own in each region. [`agentping`] and [`commands`] have its schema and its ports; the
//! rest is the same for all: the session with its retries and metrics, the migrations, the accounts of records.
//! `docs/schema.md` has the tables.
//!
//! Its metrics are [`METRICS`].

mod accounts;
pub mod agentping;
mod batch;
pub mod commands;
pub mod compare;
mod compared_table;
mod durability;
mod emptiness;
mod failure;
mod metrics;
pub mod migrations;
mod options;
mod schema;
mod session;
mod starts;
mod statement;
mod write_time;

pub use agentping::{AgentPingCql, ScyllaRegistry, ScyllaSettings, ScyllaStore};
pub use commands::ScyllaCommands;
pub use compare::{Comparison, Difference, TableComparison};
pub use durability::Durability;
pub use emptiness::is_empty;
pub use metrics::METRICS;
pub use migrations::{Applied, MigrationError};
pub use options::{Consistency, OptionError, Replication, ScyllaOptions};
pub use schema::{Migration, Schema};
pub use session::Cql;
