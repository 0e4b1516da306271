//! Store and registry over CQL: ScyllaDB or Cassandra. The only crate that uses the scylla driver.
//!
//! A run is one partition, written by one unlogged batch with a write timestamp from its position on the log. Listings,
//! usage and the other derived tables have absolute values and the same timestamp. `docs/schema.md` has the tables.
//!
//! Its metrics are [`METRICS`].

pub mod compare;
mod durability;
mod emptiness;
mod failure;
mod metrics;
pub mod migrations;
mod options;
mod registry;
mod session;
mod starts;
mod statement;
mod store;

pub use compare::{Comparison, Difference, TableComparison};
pub use durability::Durability;
pub use emptiness::is_empty;
pub use metrics::METRICS;
pub use migrations::{Applied, Migration, MigrationError};
pub use options::{Consistency, OptionError, Replication, ScyllaOptions};
pub use registry::ScyllaRegistry;
pub use session::Cql;
pub use store::ScyllaStore;
