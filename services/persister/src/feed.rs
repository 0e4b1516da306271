//! Deleting rows of the pulse feed that are older than it keeps them.

use tidegate_agentping::feed::KEPT_MS;
use tidegate_agentping_ports::PulseFeed;
use tidegate_kernel::Timestamp;
use tidegate_ports::StoreError;

const STEP: usize = 500;

/// Deletes the rows of records that were appended more than [`KEPT_MS`] before `now`, in small steps, so that writes are
/// not held up. Returns how many.
///
/// # Errors
/// [`StoreError`]; what was deleted stays deleted, the rest waits for the next call.
pub async fn purge_feed(feed: &dyn PulseFeed, now: Timestamp) -> Result<usize, StoreError> {
    let before = now.plus_millis(-KEPT_MS);
    let mut purged = 0;
    loop {
        let step = feed.purge_feed(before, STEP).await?;
        purged += step;
        if step < STEP {
            return Ok(purged);
        }
        tokio::task::yield_now().await;
    }
}
