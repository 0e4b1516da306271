//! What a judge learns about runs, as records were stored.

use serde::{Deserialize, Serialize};
use tidegate_agentping::{FinishStatus, RunId};
use tidegate_kernel::Timestamp;

/// A run's opening: its start, a heartbeat or a ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenedRun {
    pub run: RunId,
    /// When its first opening record was received. It never changes.
    pub received_at: Timestamp,
    /// The client's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// How it ended, if it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<FinishStatus>,
}

impl OpenedRun {
    /// Openings are matched in this order.
    pub(crate) fn order(&self) -> (Timestamp, RunId) {
        (self.received_at, self.run)
    }
}

/// How long runs may take from an instant on, up to that of the next limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunLimit {
    pub from: Timestamp,
    /// Seconds after a run was last alive that it is stuck; `None`: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_runtime_s: Option<u32>,
}

/// How the slot that a run covers looks once the run has ended. A run that its owner cancelled ran, and failed at nothing.
pub const fn covered_outcome(status: Option<FinishStatus>) -> SlotOutcome {
    match status {
        None => SlotOutcome::Open,
        Some(FinishStatus::Success | FinishStatus::Cancelled) => SlotOutcome::Ok,
        Some(FinishStatus::Failed) => SlotOutcome::Failed,
        Some(FinishStatus::Timeout) => SlotOutcome::Timeout,
    }
}

/// What became of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotOutcome {
    /// Covered by a run that has not ended.
    Open,
    Ok,
    /// A run that arrived after the slot was judged had started in its window.
    OkLate,
    Failed,
    Timeout,
    Missed,
    /// No run came, and none may have got through.
    Unknown,
    /// Agent paused, or schedule off.
    Skipped,
}

impl SlotOutcome {
    pub const ALL: [SlotOutcome; 8] = [
        SlotOutcome::Open,
        SlotOutcome::Ok,
        SlotOutcome::OkLate,
        SlotOutcome::Failed,
        SlotOutcome::Timeout,
        SlotOutcome::Missed,
        SlotOutcome::Unknown,
        SlotOutcome::Skipped,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            SlotOutcome::Open => "open",
            SlotOutcome::Ok => "ok",
            SlotOutcome::OkLate => "ok_late",
            SlotOutcome::Failed => "failed",
            SlotOutcome::Timeout => "timeout",
            SlotOutcome::Missed => "missed",
            SlotOutcome::Unknown => "unknown",
            SlotOutcome::Skipped => "skipped",
        }
    }

    /// Whether a run came.
    pub const fn is_covered(self) -> bool {
        matches!(
            self,
            SlotOutcome::Open | SlotOutcome::Ok | SlotOutcome::OkLate | SlotOutcome::Failed | SlotOutcome::Timeout
        )
    }
}
