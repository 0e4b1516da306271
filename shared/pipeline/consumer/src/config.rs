//! Budgets and deadlines of a consumer.

use std::time::Duration;

use crate::brake::BrakeRules;

/// A round that brings fewer bytes belongs to a service that has little to do: about 50 records.
const BUSY_ROUND_BYTES: usize = 16 << 10;

/// Budgets and deadlines.
#[derive(Clone, Copy, Debug)]
pub struct ConsumerConfig {
    /// Payload bytes fetched per poll.
    pub poll_bytes: usize,
    /// Payload bytes read and not yet applied: above the high-water mark every partition pauses, at the low one they
    /// continue.
    pub high_mark_bytes: usize,
    pub low_mark_bytes: usize,
    /// How long records may gather after a round of small polls; a fifth of it after a round of very small ones. It
    /// bounds what a batch costs (a load, a save, a commit), and adds to the time until a record is readable.
    pub linger: Duration,
    /// How long after a batch its account is settled and its offset committed, so that neither costs every batch.
    pub settle_every: Duration,
    pub brake: BrakeRules,
    /// How many records of one key a batch has at most; `None`: as many as were read.
    pub max_records_of_key: Option<usize>,
    /// How long a stop may take to apply and commit what was read.
    pub drain_deadline: Duration,
    /// The API whose commands are decided, as a label of metrics; `None`: the consumer has metrics without this label.
    pub api: Option<&'static str>,
}

impl Default for ConsumerConfig {
    fn default() -> Self {
        ConsumerConfig {
            poll_bytes: 2 << 20,
            high_mark_bytes: 32 << 20,
            low_mark_bytes: 16 << 20,
            linger: Duration::from_millis(50),
            settle_every: Duration::from_millis(50),
            brake: BrakeRules::default(),
            max_records_of_key: None,
            drain_deadline: Duration::from_secs(10),
            api: None,
        }
    }
}

impl ConsumerConfig {
    /// How long records may gather after a round of polls that brought so many bytes. Few records cost little one by one,
    /// and a reader may wait for them.
    pub(crate) fn pause_after(&self, bytes: usize) -> Duration {
        match bytes {
            bytes if bytes >= self.poll_bytes => Duration::ZERO,
            bytes if bytes >= BUSY_ROUND_BYTES => self.linger,
            _ => self.linger / 5,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_gather_for_as_long_as_the_load_is_worth() {
        let config = ConsumerConfig::default();
        let millis = |bytes| config.pause_after(bytes).as_millis();
        assert_eq!([0, 300, BUSY_ROUND_BYTES - 1].map(millis), [10, 10, 10]);
        assert_eq!([BUSY_ROUND_BYTES, config.poll_bytes - 1].map(millis), [50, 50]);
        assert_eq!([config.poll_bytes, 8 * config.poll_bytes].map(millis), [0, 0]);
    }
}
