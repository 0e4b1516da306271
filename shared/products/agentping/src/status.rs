//! The status words of runs, finishes and heartbeats (AgentPing: runs, heartbeats).

use std::fmt;

use serde::{Deserialize, Serialize};

/// The status of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    Running,
    Success,
    Failed,
    Timeout,
    Cancelled,
}

impl RunStatus {
    pub const ALL: [RunStatus; 5] =
        [RunStatus::Running, RunStatus::Success, RunStatus::Failed, RunStatus::Timeout, RunStatus::Cancelled];

    pub const fn as_str(self) -> &'static str {
        match self {
            RunStatus::Running => "running",
            RunStatus::Success => "success",
            RunStatus::Failed => "failed",
            RunStatus::Timeout => "timeout",
            RunStatus::Cancelled => "cancelled",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        RunStatus::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The terminal statuses: how a run may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FinishStatus {
    Success,
    Failed,
    Timeout,
    Cancelled,
}

impl FinishStatus {
    /// Parses the documented words only, which `idle_timeout_status` accepts.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "success" => Some(FinishStatus::Success),
            "failed" => Some(FinishStatus::Failed),
            "timeout" => Some(FinishStatus::Timeout),
            "cancelled" => Some(FinishStatus::Cancelled),
            _ => None,
        }
    }

    /// Parses the status of a finish: one SDK sends `error` for `failed`.
    pub fn parse_finish(text: &str) -> Option<Self> {
        if text == "error" { Some(FinishStatus::Failed) } else { FinishStatus::parse(text) }
    }
}

impl From<FinishStatus> for RunStatus {
    fn from(status: FinishStatus) -> Self {
        match status {
            FinishStatus::Success => RunStatus::Success,
            FinishStatus::Failed => RunStatus::Failed,
            FinishStatus::Timeout => RunStatus::Timeout,
            FinishStatus::Cancelled => RunStatus::Cancelled,
        }
    }
}

/// The status of a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HeartbeatStatus {
    Ok,
    Fail,
    Start,
    Timeout,
}

impl HeartbeatStatus {
    /// Parses the documented words and those that SDKs send instead (`failed`, `error`, `success`).
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "ok" | "success" => Some(HeartbeatStatus::Ok),
            "fail" | "failed" | "error" => Some(HeartbeatStatus::Fail),
            "start" => Some(HeartbeatStatus::Start),
            "timeout" => Some(HeartbeatStatus::Timeout),
            _ => None,
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            HeartbeatStatus::Ok => "ok",
            HeartbeatStatus::Fail => "fail",
            HeartbeatStatus::Start => "start",
            HeartbeatStatus::Timeout => "timeout",
        }
    }

    /// The run's status after this heartbeat; `None` for `start`, which leaves the run open.
    pub const fn finish(self) -> Option<FinishStatus> {
        match self {
            HeartbeatStatus::Ok => Some(FinishStatus::Success),
            HeartbeatStatus::Fail => Some(FinishStatus::Failed),
            HeartbeatStatus::Timeout => Some(FinishStatus::Timeout),
            HeartbeatStatus::Start => None,
        }
    }

    /// The heartbeat word for a finish: the inverse of [`HeartbeatStatus::finish`], with `cancelled` as a failure.
    pub const fn of_finish(status: FinishStatus) -> Self {
        match status {
            FinishStatus::Success => HeartbeatStatus::Ok,
            FinishStatus::Failed | FinishStatus::Cancelled => HeartbeatStatus::Fail,
            FinishStatus::Timeout => HeartbeatStatus::Timeout,
        }
    }
}
