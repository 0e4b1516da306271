//! Waits for what another task does.

use std::time::{Duration, Instant};

/// Polls a condition until it holds; fails after a while.
pub async fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::task::yield_now().await;
    }
}
