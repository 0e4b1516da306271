//! The table of totals in memory, on a data folder, and over CQL.

mod cql;
mod memory;
mod sqlite;

pub use cql::CqlCounters;
pub use memory::MemoryCounters;
pub use sqlite::SqliteCounters;
