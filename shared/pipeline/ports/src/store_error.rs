//! Why a store did not do what it was asked.

use crate::{FailureCause, FailureKind};

/// Why the store did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It is out of reach or too slow for now.
    #[error("the store is unavailable: {0}")]
    Unavailable(#[source] FailureCause),
    /// It is damaged, or not ours: retrying does not help.
    #[error("the store cannot be used: {0}")]
    Broken(#[source] FailureCause),
    /// It is up and takes other writes, and not this one, however often it is sent: something of it is more than the
    /// store can keep.
    #[error("the store refuses what it is to keep: {0}")]
    Refused(#[source] FailureCause),
}

impl StoreError {
    /// What kind of failure it is.
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
