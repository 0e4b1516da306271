//! What a store may still lose of what it acknowledged: a server that acknowledges before it syncs goes back, when it is
//! killed, to what it last synced. As pure bookkeeping of one partition.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// What was acknowledged longer ago outlives a crash of the store. Servers sync their commit log every 10 s unless they
/// are set otherwise (`commitlog_sync_period`), and refuse writes when a sync is late by half as much.
pub(crate) const SYNCED_WITHIN: Duration = Duration::from_secs(30);

/// Offsets of one partition by when the records before them were saved.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    saved: VecDeque<(Instant, i64)>,
    safe: i64,
}

impl Window {
    /// Everything before this offset is safe.
    pub const fn from(safe: i64) -> Self {
        Window { saved: VecDeque::new(), safe }
    }

    /// Everything before `next_offset` was saved by `at`.
    pub fn saved(&mut self, at: Instant, next_offset: i64) {
        if next_offset > self.saved.back().map_or(self.safe, |(_, last)| *last) {
            self.saved.push_back((at, next_offset));
        }
    }

    /// As of `at`, no server had started again since this window was opened.
    pub fn confirmed(&mut self, at: Instant) {
        while let Some((saved_at, next_offset)) = self.saved.front().copied() {
            if saved_at + SYNCED_WITHIN > at {
                break;
            }
            self.safe = next_offset;
            self.saved.pop_front();
        }
    }

    /// Records before it cannot be lost any more.
    pub const fn safe(&self) -> i64 {
        self.safe
    }

    /// Whether a crash of the store could still take something.
    pub fn is_open(&self) -> bool {
        !self.saved.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_saved_is_safe_once_the_store_is_seen_up_long_enough_after() {
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        let mut window = Window::from(7);
        assert!(!window.is_open());
        window.saved(at(0), 10);
        window.saved(at(5), 20);
        window.saved(at(6), 15);
        window.confirmed(at(29));
        assert_eq!((window.safe(), window.is_open()), (7, true));
        window.confirmed(at(30));
        assert_eq!((window.safe(), window.is_open()), (10, true));
        window.confirmed(at(1_000));
        assert_eq!((window.safe(), window.is_open()), (20, false), "what goes back is not saved anew");
        window.confirmed(at(5));
        assert_eq!(window.safe(), 20);
    }

    #[test]
    fn an_outage_makes_nothing_safe() {
        let began = Instant::now();
        let mut window = Window::from(0);
        window.saved(began, 10);
        // Ten minutes without an observation that the store stayed up.
        window.saved(began + Duration::from_secs(600), 20);
        assert_eq!(window.safe(), 0);
    }
}
