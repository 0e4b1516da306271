//! The role that watches agents: it judges schedules and runs from the feed, opens incidents, and sends what follows.

pub mod judge;
mod metrics;
pub mod sending;
pub mod spend;

pub use metrics::METRICS;
