//! Rounds of polls: each assigned partition has its turn before records may gather again.

use tokio::time::Instant;

use crate::config::ConsumerConfig;

/// One round of polls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pacing {
    polls: usize,
    bytes: usize,
    resumes_at: Instant,
}

impl Pacing {
    pub fn new() -> Self {
        Pacing { polls: 0, bytes: 0, resumes_at: Instant::now() }
    }

    /// Polling waits until then.
    pub const fn resumes_at(&self) -> Instant {
        self.resumes_at
    }

    /// A poll brought so many payload bytes. After every partition's turn: polls that brought little pause for a moment,
    /// so that the next ones bring more.
    pub fn polled(&mut self, bytes: usize, partitions: usize, config: &ConsumerConfig) {
        self.polls += 1;
        self.bytes += bytes;
        if self.polls >= partitions {
            let resumes_at = Instant::now() + config.pause_after(self.bytes);
            *self = Pacing { polls: 0, bytes: 0, resumes_at };
        }
    }
}
