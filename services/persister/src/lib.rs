//! Folds the log into the store: poll → fold → note → save → settle → commit.
//!
//! Each assigned partition has one [lane](lane) that applies its batches one at a time and in order; lanes run side
//! by side. An offset is committed only when everything before it is stored or its dead letter is safe, and when the
//! partition's account tells so. Where too much cannot be applied, the [brake](brake) holds the partition. What a store
//! lost that had acknowledged it is [read again](reread).

mod apply;
mod backoff;
mod batch;
mod brake;
mod config;
mod fail_points;
mod lane;
mod log_watch;
mod metrics;
mod notes;
mod orphans;
mod persister;
mod refusals;
mod reread;
mod tally;
mod window;

pub use brake::BrakeRules;
pub use config::PersisterConfig;
pub use log_watch::LogWatch;
pub use metrics::METRICS;
pub use notes::forget_notes;
pub use orphans::{ORPHAN_AGE_MS, purge_orphans};
pub use persister::{Persister, Stalled, StopReport};
