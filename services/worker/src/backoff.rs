//! How long to wait before the next try: longer with each failure, with jitter, so that workers do not come back
//! together.

use std::time::Duration;

const SHORTEST_MS: u64 = 250;
const LONGEST_MS: u64 = 10_000;
/// The longest wait that a server may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(60);

/// The failures since the last success.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after one more failure, at least as long as the server asked for.
    pub fn failed(&mut self, asked: Option<Duration>) -> Duration {
        let wait = wait_ms(self.failures, getrandom::u32().unwrap_or_default());
        self.failures = self.failures.saturating_add(1);
        Duration::from_millis(wait).max(asked.unwrap_or_default().min(LONGEST_ASKED))
    }

    pub fn succeeded(&mut self) {
        self.failures = 0;
    }
}

/// Between a half and the whole of a span that doubles with each failure.
fn wait_ms(failures: u32, random: u32) -> u64 {
    let whole = SHORTEST_MS.saturating_mul(1 << failures.min(16)).min(LONGEST_MS);
    whole / 2 + u64::from(random) % (whole / 2 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound() {
        for (failures, shortest, longest) in [(0, 125, 250), (1, 250, 500), (5, 4_000, 8_000), (60, 5_000, 10_000)] {
            for random in [0, 1, 77, u32::MAX] {
                let wait = wait_ms(failures, random);
                assert!((shortest..=longest).contains(&wait), "{failures} failures: {wait} ms");
            }
        }
    }

    #[test]
    fn the_server_may_ask_for_more_within_a_bound() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.failed(Some(Duration::from_secs(20))), Duration::from_secs(20));
        assert_eq!(backoff.failed(Some(Duration::from_secs(3_600))), Duration::from_secs(60));
    }
}
