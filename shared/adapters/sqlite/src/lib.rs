//! The ports on one local data folder: durable, one process, no servers. Everything is kept in SQLite files, which
//! any tool can look into.

pub mod dead_letters;
pub mod folder;
mod guards;
pub mod log;
mod metrics;
mod product_file;
mod read_only;
pub mod registry;
pub mod sqlite;
pub mod store;

pub use folder::{DataFolder, FolderError, OwnedFolder};
pub use guards::{ReconcileError, reconcile};
pub use log::{
    Closed, EmbeddedConsumer, EmbeddedLag, EmbeddedLog, EmbeddedReadLag, EmbeddedReadLog, LogOpenError, LogOptions,
};
pub use metrics::METRICS;
pub use product_file::ProductFile;
pub use registry::EmbeddedRegistry;
pub use sqlite::SqliteError;
pub use store::EmbeddedStore;
