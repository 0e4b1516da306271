//! Runs that have not ended, as far as the judge knows them.

use serde::{Deserialize, Serialize};
use tidegate_agentping::feed::IdleEnd;
use tidegate_agentping::{FeedRow, FinishStatus, RunId, RunStatus};
use tidegate_agentping_pulse::watermark::PartitionId;

/// A run that has not ended.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct UnendedRun {
    pub run: RunId,
    pub partition: PartitionId,
    /// How it ends if nothing more comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle: Option<IdleEnd>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_replayed: bool,
    /// The run above it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<RunId>,
}

/// Open runs of an agent at most, as the rules have it.
const MAX_OPEN: usize = tidegate_agentping_pulse::open_runs::OpenRuns::MAX;

/// Notes how a run is after a row of the feed; `open` has the oldest first. `is_replayed`: the run opens no incident.
pub fn note(open: &mut Vec<UnendedRun>, row: &FeedRow, partition: PartitionId, is_replayed: bool) {
    if row.status != RunStatus::Running {
        return;
    }
    match open.iter_mut().find(|open| open.run == row.run) {
        Some(open) => (open.idle, open.parent) = (row.idle, row.parent),
        None => {
            if open.len() >= MAX_OPEN {
                open.remove(0);
            }
            let (idle, parent) = (row.idle, row.parent);
            open.push(UnendedRun { run: row.run, partition, idle, is_replayed, parent });
        }
    }
}

/// How a run with this status has ended, if it has.
pub const fn finish_status(status: RunStatus) -> Option<FinishStatus> {
    match status {
        RunStatus::Running => None,
        RunStatus::Success => Some(FinishStatus::Success),
        RunStatus::Failed => Some(FinishStatus::Failed),
        RunStatus::Timeout => Some(FinishStatus::Timeout),
        RunStatus::Cancelled => Some(FinishStatus::Cancelled),
    }
}
