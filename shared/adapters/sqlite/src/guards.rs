//! The guards of a data folder: is each file whole, and do the files belong together?
//! (docs/adr/0018-files-vouch-for-one-another.md)
//!
//! | guard | detects | file |
//! | --- | --- | --- |
//! | high-water mark | a file holds less than it had acknowledged | `high_water_mark.rs` |
//! | counted checkpoints | a write-ahead log does not fit its file | `checkpoint_count.rs`, `snapshot.rs`, `checkpointer.rs` |
//! | comparison at start | log, store and dead letters disagree | `reconcile.rs` |
//! | refusal | nothing writes to a folder that was refused | `refused.rs` |
//!
//! The writers of the log, the store and the registry get a [`FileGuard`] when they open their file, and call it in a
//! commit, after a sync and before a checkpoint. What teams set and what is derived from it are each in a
//! [`CountedFile`], which counts its commits by itself. How a guard works is known in here only.

mod checkpoint_count;
mod checkpointer;
mod counted_file;
mod file_guard;
mod high_water_mark;
mod reconcile;
mod refused;
mod snapshot;

pub(crate) use checkpoint_count::TABLE as CHECKPOINTS_TABLE;
pub(crate) use checkpointer::{Checkpointer, checkpoint};
pub(crate) use counted_file::{COUNT_TABLE, CountedFile};
pub(crate) use file_guard::{Acknowledged, FileGuard, GuardedFile};
pub use reconcile::{ReconcileError, reconcile, reconcile_commands};
pub(crate) use refused::Refused;
pub(crate) use snapshot::Snapshot;
