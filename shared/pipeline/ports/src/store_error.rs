//! Errors of the store ports.

use crate::{FailureCause, FailureKind};

/// Why a store operation failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The store cannot be reached or is too slow; a later retry may succeed.
    #[error("the store is unavailable: {0}")]
    Unavailable(#[source] FailureCause),
    /// The store is damaged or belongs to another deployment: a retry does not help.
    #[error("the store cannot be used: {0}")]
    Broken(#[source] FailureCause),
    /// The store accepts other writes but never this one: a value exceeds what it can keep.
    #[error("the store refuses what it is to keep: {0}")]
    Refused(#[source] FailureCause),
}

impl StoreError {
    /// The kind of the failure.
    pub const fn kind(&self) -> FailureKind {
        match self {
            StoreError::Unavailable(cause) => cause.kind(),
            StoreError::Broken(_) => FailureKind::Broken,
            StoreError::Refused(_) => FailureKind::Refused,
        }
    }
}

impl From<&StoreError> for FailureKind {
    fn from(error: &StoreError) -> Self {
        error.kind()
    }
}
