//! AgentPing's consumer: folds the records on the log into runs. Polling, settling, committing, dead letters and the
//! brake are the [consumer](tidegate_consumer)'s.

mod feed;
mod jobs;
mod metrics;
mod notes;
mod orphans;
mod persister;
mod run_fold;

pub use feed::purge_feed;
pub use jobs::{feed_expiry, note_expiry, orphan_purge};
pub use metrics::METRICS;
pub use notes::forget_notes;
pub use orphans::{ORPHAN_AGE_MS, purge_orphans};
pub use persister::Persister;
pub use tidegate_consumer::{
    BrakeRules, ConsumerConfig as PersisterConfig, LogWatch, Stalled, StopReport, watch_stalls,
};
