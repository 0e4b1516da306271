//! Folds the log into the store: poll → fold → save → commit.
//!
//! Each assigned partition has one [lane](lane) that applies its batches one at a time and in order; lanes run side
//! by side. An offset is committed only when everything before it is stored or its dead letter is safe.

mod backoff;
mod batch;
mod fail_points;
mod lane;
mod orphans;
mod persister;
mod tally;

pub use orphans::{ORPHAN_AGE_MS, purge_orphans};
pub use persister::{Persister, PersisterConfig, StopReport};
