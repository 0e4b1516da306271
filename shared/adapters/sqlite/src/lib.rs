//! The ports on one local data folder: durable, one process, no servers. Everything is kept in SQLite files, which
//! any tool can look into.

mod beside;
mod checkpoints;
pub mod dead_letters;
pub mod folder;
pub mod log;
mod mark;
mod reconcile;
pub mod registry;
pub mod sqlite;
pub mod store;

pub use folder::{DataFolder, FolderError, OwnedFolder};
pub use log::{
    Closed, EmbeddedConsumer, EmbeddedLag, EmbeddedLagBeside, EmbeddedLog, EmbeddedReadLog, LogOpenError, LogOptions,
};
pub use reconcile::{ReconcileError, reconcile};
pub use registry::EmbeddedRegistry;
pub use sqlite::SqliteError;
pub use store::EmbeddedStore;
