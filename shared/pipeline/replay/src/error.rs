//! Why a replay ends before its end.

use tidegate_ports::{AppendError, LogError, StoreError};

use crate::progress_file::ProgressFileError;

/// Why a replay cannot continue.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error(transparent)]
    ProgressFile(#[from] ProgressFileError),
}

impl ReplayError {
    /// Whether the same attempt may succeed later. An append whose outcome is unknown may be repeated: what is applied
    /// twice changes nothing.
    pub const fn may_pass(&self) -> bool {
        match self {
            ReplayError::Log(LogError::Unavailable(_))
            | ReplayError::Store(StoreError::Unavailable(_))
            | ReplayError::Append(AppendError::NotPersisted(_) | AppendError::Unknown(_)) => true,
            ReplayError::Log(LogError::Broken(_))
            | ReplayError::Store(StoreError::Broken(_) | StoreError::Refused(_))
            | ReplayError::Append(AppendError::TooLarge { .. })
            | ReplayError::ProgressFile(_) => false,
        }
    }
}
