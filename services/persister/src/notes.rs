//! Deletion of expired notes.

use tidegate_agentping_ports::NotedAccounts;
use tidegate_agentping_ports::notes::NOTES_KEPT_MS;
use tidegate_kernel::Timestamp;
use tidegate_ports::StoreError;

const STEP: usize = 500;

/// Deletes the notes of records that were appended more than [`NOTES_KEPT_MS`] before `now`, in small steps, so that
/// writes are not delayed. Returns how many.
///
/// # Errors
/// [`StoreError`]; what was deleted stays deleted, the rest waits for the next call.
pub async fn forget_notes(accounts: &dyn NotedAccounts, now: Timestamp) -> Result<usize, StoreError> {
    let before = now.plus_millis(-NOTES_KEPT_MS);
    let mut forgotten = 0;
    loop {
        let step = accounts.forget_notes(before, STEP).await?;
        forgotten += step;
        if step < STEP {
            return Ok(forgotten);
        }
        tokio::task::yield_now().await;
    }
}
