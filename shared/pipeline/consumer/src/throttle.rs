//! How many payload bytes are read and not yet applied, between a high-water mark and a low one. Pure.

use crate::config::ConsumerConfig;

/// Engages above the high-water mark, and stays engaged until the low one is reached.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Throttle {
    high_mark_bytes: usize,
    low_mark_bytes: usize,
    in_flight_bytes: usize,
    engaged: bool,
}

impl Throttle {
    pub const fn new(config: &ConsumerConfig) -> Self {
        let ConsumerConfig { high_mark_bytes, low_mark_bytes, .. } = *config;
        Throttle { high_mark_bytes, low_mark_bytes, in_flight_bytes: 0, engaged: false }
    }

    /// So many bytes were read.
    pub const fn add(&mut self, bytes: usize) {
        self.in_flight_bytes += bytes;
    }

    /// This many of them are applied, or are not applied here any more.
    pub const fn release(&mut self, bytes: usize) {
        self.in_flight_bytes -= bytes;
    }

    /// Whether every partition is to pause now.
    pub const fn is_engaged(&mut self) -> bool {
        if self.in_flight_bytes > self.high_mark_bytes {
            self.engaged = true;
        } else if self.in_flight_bytes <= self.low_mark_bytes {
            self.engaged = false;
        }
        self.engaged
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_engages_above_the_high_mark_and_lets_go_at_the_low_one() {
        let config = ConsumerConfig { high_mark_bytes: 10, low_mark_bytes: 4, ..ConsumerConfig::default() };
        let mut throttle = Throttle::new(&config);
        let mut seen = Vec::new();
        for change in [10isize, 1, -1, -5, -1, 6, 1] {
            match change.unsigned_abs() {
                bytes if change > 0 => throttle.add(bytes),
                bytes => throttle.release(bytes),
            }
            seen.push(throttle.is_engaged());
        }
        assert_eq!(seen, [false, true, true, true, false, false, true]);
    }
}
