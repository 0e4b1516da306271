//! Applies a log to a store: poll → decode → load → fold → save → settle → commit. What a record means is a product's
//! business: it says so by [`Apply`].
//!
//! Each assigned partition has one [lane](lane) that applies its batches one at a time and in order; lanes run side by
//! side. An offset is committed only when everything before it is saved or its dead letter is acknowledged, and when the
//! partition's account counts it: [`progress`] is that order as a state machine. Where too much cannot be applied, the
//! [brake](brake) halts the partition. What a store lost that had acknowledged it is [read again](reread).

mod applier;
mod apply;
mod backoff;
mod batch;
mod brake;
mod config;
mod consumer;
mod drain;
mod fail_points;
mod group;
mod halted;
mod halting;
mod jobs;
mod lane;
mod log_watch;
mod metrics;
mod opened;
mod opening;
mod pacing;
mod panics;
mod parts;
mod progress;
mod refusals;
mod reread;
mod stall_watch;
mod store_seen;
mod throttle;
mod void_records;
mod window;

pub use apply::{Apply, FoldStop, Poison, VoidPorts};
pub use brake::BrakeRules;
pub use config::ConsumerConfig;
pub use consumer::{Consumer, StopReport};
pub use group::{Entry, EntryOrigin, Group, RecordFate};
pub use jobs::{Job, JobError};
pub use log_watch::LogWatch;
pub use metrics::METRICS;
pub use panics::or_panic;
pub use stall_watch::{Stalled, watch_stalls};
pub use store_seen::StoreSeen;
