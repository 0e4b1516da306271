//! Waiting until the store holds everything that was on the log at the start. Only then the store can be trusted
//! for ids from before the restart, and only then the front door opens.

use std::time::Duration;

use tidegate_ports::ReadLag;
use tokio::time::{Instant, sleep};

use crate::failure::Failure;

const LOOK_AGAIN: Duration = Duration::from_millis(50);
const PROGRESS: Duration = Duration::from_secs(2);

/// Resolves once the persister is at the log's end.
///
/// # Errors
/// The log cannot be used at all.
pub async fn catch_up(lag: &dyn ReadLag) -> Result<(), Failure> {
    let mut reported_at = Instant::now();
    let mut waited = false;
    loop {
        match lag.read().await {
            Ok(reading) if reading.records == 0 => {
                if waited {
                    tracing::info!("caught up with the log");
                }
                return Ok(());
            }
            Ok(reading) => {
                if reported_at.elapsed() >= PROGRESS {
                    tracing::info!(records = reading.records, "catching up with the log before the front door opens");
                    (reported_at, waited) = (Instant::now(), true);
                }
            }
            Err(error @ tidegate_ports::LogError::Broken(_)) => return Err(error.into()),
            Err(error) => {
                tracing::warn!(kind = %error.kind(), %error, "cannot read how far the persister is behind; looking again")
            }
        }
        sleep(LOOK_AGAIN).await;
    }
}
