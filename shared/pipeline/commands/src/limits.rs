//! Limits before a command: rates, and the mark that says that its idempotency key is in flight.

use std::sync::Arc;

use tidegate_kernel::SmolStr;
use tidegate_ports::{Enter, LimitsDown, LimitsEntered, LimitsVerdict, Mark, RequestLimits};
use tokio::runtime::Handle;

/// Gives a mark back when it is dropped: with the end of its request, whatever the answer, and also if the client left.
#[must_use]
pub struct MarkGuard {
    limits: Arc<dyn RequestLimits>,
    owner: SmolStr,
    /// `None`: nothing is to be given back.
    mark: Option<Mark>,
}

/// Counts a request, and takes its mark. Keep the guard until the request is answered.
///
/// # Errors
/// [`LimitsDown`].
pub async fn enter_limits(
    limits: &Arc<dyn RequestLimits>,
    enter: Enter,
) -> Result<(LimitsEntered, MarkGuard), LimitsDown> {
    // Made before: a client that leaves meanwhile may have left a mark. Only its holder's is removed.
    let mut guard = MarkGuard { limits: limits.clone(), owner: enter.owner.clone(), mark: enter.mark.clone() };
    let entered = limits.enter(&enter).await?;
    if entered.verdict != LimitsVerdict::Admitted {
        guard.mark = None;
    }
    Ok((entered, guard))
}

impl Drop for MarkGuard {
    fn drop(&mut self) {
        let (Some(mark), Ok(runtime)) = (self.mark.take(), Handle::try_current()) else { return };
        let (limits, owner) = (self.limits.clone(), self.owner.clone());
        runtime.spawn(async move {
            if let Err(error) = limits.leave(&owner, &mark).await {
                tracing::debug!(%error, "a mark was not given back; it lapses by itself");
            }
        });
    }
}
