//! The ports on one local data folder: durable, one process, no servers. Everything is kept in SQLite files, which
//! any tool can look into.

pub mod agentping;
pub mod commands;
pub mod dead_letters;
pub mod documents;
pub mod folder;
mod guards;
pub mod log;
mod metrics;
mod product_file;
mod read_only;
pub mod rows;
pub mod sqlite;
mod store_file;

pub use agentping::names::FolderNames;
pub use agentping::registry::EmbeddedRegistry;
pub use agentping::store::EmbeddedStore;
pub use commands::inbox::{OperatorInbox, OperatorRoute, PostedCommand};
pub use commands::keys::EmbeddedKeys;
pub use commands::{EmbeddedCommandStore, Expired};
pub use documents::EmbeddedDocuments;
pub use folder::{DataFolder, FolderError, OwnedFolder};
pub use guards::{ReconcileError, reconcile, reconcile_commands};
pub use log::{
    Closed, EmbeddedConsumer, EmbeddedLag, EmbeddedLog, EmbeddedReadLag, EmbeddedReadLog, LogOpenError, LogOptions,
};
pub use metrics::METRICS;
pub use product_file::ProductFile;
pub use rows::EmbeddedRows;
pub use sqlite::SqliteError;
