//! Asking the store with a deadline: a store that hangs is treated as down.

use std::future::Future;
use std::time::Duration;

use tidegate_kernel::{Outage, Timestamp};
use tidegate_ports::StoreError;
use tokio::time::timeout;

use crate::problem::Problem;

/// Why the store gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// What it has cannot be read, or it refused the question: the same again fails, too.
    Broken {
        cause: String,
    },
    Unavailable {
        cause: String,
        retry_after_s: u64,
    },
}

/// The store's answer within the deadline. An outage begins with the first failure and ends with an answer.
///
/// # Errors
/// [`Unanswered`].
pub async fn store_answer<T>(
    query: impl Future<Output = Result<T, StoreError>>,
    deadline: Duration,
    outage: &Outage,
    now: impl FnOnce() -> Timestamp,
) -> Result<T, Unanswered> {
    let cause = match timeout(deadline, query).await {
        Ok(Ok(answer)) => {
            outage.over();
            return Ok(answer);
        }
        Ok(Err(StoreError::Broken(cause) | StoreError::Refused(cause))) => {
            return Err(Unanswered::Broken { cause: cause.to_string() });
        }
        Ok(Err(StoreError::Unavailable(cause))) => cause.to_string(),
        Err(_) => format!("no answer within {deadline:?}"),
    };
    Err(Unanswered::Unavailable { cause, retry_after_s: outage.failed(now()) })
}

impl From<Unanswered> for Problem {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::Broken { cause } => Problem::StoreBroken { cause },
            Unanswered::Unavailable { cause, retry_after_s } => Problem::StoreUnavailable { cause, retry_after_s },
        }
    }
}
