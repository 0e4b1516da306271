//! Waiting until the store holds everything that was on the log at the start. Only then the store can be trusted
//! for ids from before the restart, and only then the front door opens.

use std::time::Duration;

use tidegate_ports::ReadLag;
use tokio::time::{Instant, sleep};

const LOOK_AGAIN: Duration = Duration::from_millis(50);
const PROGRESS: Duration = Duration::from_secs(2);

/// Resolves once the persister is at the log's end.
///
/// # Errors
/// The log cannot be used at all.
pub async fn catch_up(lag: &dyn ReadLag) -> Result<(), String> {
    let mut told = Instant::now();
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
                if told.elapsed() >= PROGRESS {
                    tracing::info!(records = reading.records, "catching up with the log before the front door opens");
                    (told, waited) = (Instant::now(), true);
                }
            }
            Err(error @ tidegate_ports::LogError::Broken(_)) => return Err(error.to_string()),
            Err(error) => tracing::warn!(%error, "cannot read how far the persister is behind; looking again"),
        }
        sleep(LOOK_AGAIN).await;
    }
}
