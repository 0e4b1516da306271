//! What is broken for one run or one check stops no other.

use std::fmt::Display;

use tidegate_agentping::TeamId;
use tidegate_ports::StoreError;

/// Logs that something of a run or a check cannot be used, and counts it as done: a retry does not help, and each round
/// would stop there. Any other error stays one.
///
/// # Errors
/// [`StoreError`], but for [`StoreError::Broken`].
pub(super) fn unless_broken<T: Default>(
    done: Result<T, StoreError>,
    team: TeamId,
    of: impl Display,
) -> Result<T, StoreError> {
    match done {
        Err(error @ StoreError::Broken(_)) => {
            tracing::error!(%team, %of, %error, "something of a check cannot be used; it is passed over");
            Ok(T::default())
        }
        done => done,
    }
}
