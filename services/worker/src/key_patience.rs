//! How long a refusal of the worker key is taken for passing: a new key holds within 2 s, and one front door may know it
//! before another.

use std::time::Duration;

use tokio::time::Instant;

const LONGEST: Duration = Duration::from_secs(10);

/// The refusals since the key was last taken.
#[derive(Debug, Default)]
pub struct KeyPatience {
    since: Option<Instant>,
}

impl KeyPatience {
    /// Records a refusal. Returns whether it is final.
    pub fn refused(&mut self) -> bool {
        let now = Instant::now();
        now.saturating_duration_since(*self.since.get_or_insert(now)) >= LONGEST
    }

    pub fn taken(&mut self) {
        self.since = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_key_that_stays_refused_is_given_up() {
        let mut patience = KeyPatience::default();
        assert!(!patience.refused());
        tokio::time::advance(LONGEST).await;
        assert!(patience.refused());
        patience.taken();
        assert!(!patience.refused());
    }
}
