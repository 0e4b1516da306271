//! Purging orphans: records whose run was never opened.

use tidegate_agentping_ports::Runs;
pub use tidegate_agentping_ports::runs::ORPHAN_AGE_MS;
use tidegate_kernel::Timestamp;
use tidegate_ports::StoreError;

const STEP: usize = 500;

/// Deletes every orphan last touched more than [`ORPHAN_AGE_MS`] before `now`, in small steps, so that writes are
/// not delayed. Returns how many.
///
/// # Errors
/// [`StoreError`]; what was deleted stays deleted, the rest waits for the next call.
pub async fn purge_orphans(runs: &dyn Runs, now: Timestamp) -> Result<usize, StoreError> {
    let before = now.plus_millis(-ORPHAN_AGE_MS);
    let mut purged = 0;
    loop {
        let step = runs.purge_orphans(before, STEP).await?;
        purged += step;
        if step < STEP {
            return Ok(purged);
        }
        tokio::task::yield_now().await;
    }
}
