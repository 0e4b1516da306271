//! How a run is, why it failed, and what receivers can be sent.

use serde::{Deserialize, Serialize};

/// The state of a run; that of its work order is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    Pending,
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

impl RunStatus {
    pub const ALL: [RunStatus; 5] =
        [RunStatus::Pending, RunStatus::Running, RunStatus::Succeeded, RunStatus::Failed, RunStatus::Cancelled];

    /// Whether the run has ended. An ended run never changes.
    pub const fn is_terminal(self) -> bool {
        matches!(self, RunStatus::Succeeded | RunStatus::Failed | RunStatus::Cancelled)
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            RunStatus::Pending => "pending",
            RunStatus::Running => "running",
            RunStatus::Succeeded => "succeeded",
            RunStatus::Failed => "failed",
            RunStatus::Cancelled => "cancelled",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// Why a run did not succeed. It appears in run objects only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RunErrorCode {
    MaxIterationsReached,
    VerificationFailed,
    WorkspaceError,
    ExecutionTimeout,
    Cancelled,
}

impl RunErrorCode {
    pub const ALL: [RunErrorCode; 5] = [
        RunErrorCode::MaxIterationsReached,
        RunErrorCode::VerificationFailed,
        RunErrorCode::WorkspaceError,
        RunErrorCode::ExecutionTimeout,
        RunErrorCode::Cancelled,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            RunErrorCode::MaxIterationsReached => "MAX_ITERATIONS_REACHED",
            RunErrorCode::VerificationFailed => "VERIFICATION_FAILED",
            RunErrorCode::WorkspaceError => "WORKSPACE_ERROR",
            RunErrorCode::ExecutionTimeout => "EXECUTION_TIMEOUT",
            RunErrorCode::Cancelled => "CANCELLED",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == text)
    }
}

/// A level of verification. Labels only: no level is treated differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Level {
    L0,
    L1,
    L2,
    L3,
}

impl Level {
    pub const ALL: [Level; 4] = [Level::L0, Level::L1, Level::L2, Level::L3];

    pub const fn as_str(self) -> &'static str {
        match self {
            Level::L0 => "L0",
            Level::L1 => "L1",
            Level::L2 => "L2",
            Level::L3 => "L3",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == text)
    }
}

/// What a webhook can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EventType {
    #[serde(rename = "run.created")]
    RunCreated,
    #[serde(rename = "run.started")]
    RunStarted,
    #[serde(rename = "run.completed")]
    RunCompleted,
    #[serde(rename = "run.failed")]
    RunFailed,
    #[serde(rename = "run.cancelled")]
    RunCancelled,
    #[serde(rename = "verification.started")]
    VerificationStarted,
    #[serde(rename = "verification.passed")]
    VerificationPassed,
    #[serde(rename = "verification.failed")]
    VerificationFailed,
}

impl EventType {
    pub const ALL: [EventType; 8] = [
        EventType::RunCreated,
        EventType::RunStarted,
        EventType::RunCompleted,
        EventType::RunFailed,
        EventType::RunCancelled,
        EventType::VerificationStarted,
        EventType::VerificationPassed,
        EventType::VerificationFailed,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            EventType::RunCreated => "run.created",
            EventType::RunStarted => "run.started",
            EventType::RunCompleted => "run.completed",
            EventType::RunFailed => "run.failed",
            EventType::RunCancelled => "run.cancelled",
            EventType::VerificationStarted => "verification.started",
            EventType::VerificationPassed => "verification.passed",
            EventType::VerificationFailed => "verification.failed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Whether a submission's own `webhookUrl` receives it.
    pub const fn is_end(self) -> bool {
        matches!(self, EventType::RunCompleted | EventType::RunFailed | EventType::RunCancelled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_and_the_same() {
        for status in RunStatus::ALL {
            assert_eq!(
                (serde_json::to_value(status).unwrap(), RunStatus::parse(status.as_str())),
                (status.as_str().into(), Some(status))
            );
        }
        for code in RunErrorCode::ALL {
            assert_eq!(
                (serde_json::to_value(code).unwrap(), RunErrorCode::parse(code.as_str())),
                (code.as_str().into(), Some(code))
            );
        }
        for level in Level::ALL {
            assert_eq!(
                (serde_json::to_value(level).unwrap(), Level::parse(level.as_str())),
                (level.as_str().into(), Some(level))
            );
        }
        for kind in EventType::ALL {
            assert_eq!(
                (serde_json::to_value(kind).unwrap(), EventType::parse(kind.as_str())),
                (kind.as_str().into(), Some(kind))
            );
        }
    }
}
