//! Waiting for a level: a condition that, once true, stays true. Never for time.

use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval};

/// How long a record may take to be readable before a test fails. Far above the promised second: a test asks
/// whether, not how fast, on a machine that may hold up any process for many seconds.
pub const READABLE: Duration = Duration::from_secs(90);

/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// Asks `probe` again and again until it answers `Ok`. `Err` says what was seen instead.
///
/// # Panics
/// After `deadline`, with `what` and the last thing seen.
pub async fn eventually<T>(deadline: Duration, what: &str, mut probe: impl AsyncFnMut() -> Result<T, String>) -> T {
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let begun = Instant::now();
    loop {
        ticks.tick().await;
        match probe().await {
            Ok(found) => return found,
            Err(seen) if begun.elapsed() > deadline => {
                panic!("not within {deadline:?}: {what}; last seen: {seen}")
            }
            Err(_) => {}
        }
    }
}
