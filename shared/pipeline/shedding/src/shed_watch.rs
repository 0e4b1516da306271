//! The shed policy over the readings of the lag as they come.

use std::time::Duration;

use crate::policy::{self, Decision, Reading};
use crate::thresholds::ShedThresholds;
use crate::trend::Trend;

/// What the policy said last, and how the lag moved.
#[derive(Debug)]
pub struct ShedWatch {
    thresholds: ShedThresholds,
    decision: Decision,
    trend: Trend,
    /// When the last reading came; before the first, when the watch began.
    read_at: Duration,
}

impl ShedWatch {
    /// Nothing is known yet. Every `at` below is the time since some fixed moment, by a clock that never steps.
    pub fn new(thresholds: ShedThresholds, at: Duration) -> Self {
        ShedWatch { thresholds, decision: Decision::default(), trend: Trend::default(), read_at: at }
    }

    /// A reading that came: how many records wait, and how old the oldest is. Returns what holds from now on.
    pub fn known(&mut self, records: u64, age_ms: u64, at: Duration) -> Decision {
        if self.silent_ms(at) > self.thresholds.unknown_after_ms {
            self.trend.clear();
        }
        self.trend.note(at, records, age_ms);
        self.read_at = at;
        self.take(Reading::Known { records, age_ms })
    }

    /// No reading came.
    pub fn unknown(&mut self, at: Duration) -> Decision {
        self.take(Reading::Unknown { for_ms: self.silent_ms(at) })
    }

    /// By how many records the lag falls each second; below 0 while it grows.
    pub fn drains_per_s(&self) -> f64 {
        self.trend.records_sink_per_s()
    }

    fn silent_ms(&self, at: Duration) -> u64 {
        u64::try_from(at.saturating_sub(self.read_at).as_millis()).unwrap_or(u64::MAX)
    }

    fn take(&mut self, reading: Reading) -> Decision {
        self.decision = policy::decide(&self.thresholds, self.decision, reading, &self.trend);
        self.decision
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::ShedCause;
    use crate::rank::Rank;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn what_is_not_read_is_unknown_and_the_next_reading_ends_it() {
        let mut watch = ShedWatch::new(ShedThresholds::default(), s(0));
        assert!(!watch.unknown(s(60)).sheds());
        let blind = watch.unknown(s(61));
        assert_eq!((blind.cause, blind.share_permille(Rank::First)), (Some(ShedCause::Unknown), 500));
        assert_eq!(blind.share_permille(Rank::Second), 0);
        assert!(!watch.known(0, 0, s(62)).sheds());
        assert!(!watch.unknown(s(120)).sheds(), "counted from the last reading");
    }

    #[test]
    fn a_wait_does_not_jump_with_a_single_reading() {
        let mut watch = ShedWatch::new(ShedThresholds::default(), s(0));
        let even = |second: u64| 3_000_000 - 60_000 * second;
        let mut before = None;
        for second in 0..30 {
            // A batch committed late, and a burst taken in.
            let noise: i64 = if second % 5 == 2 {
                55_000
            } else if second % 7 == 3 {
                -55_000
            } else {
                0
            };
            let wait_s = watch.known(even(second).saturating_add_signed(noise), 0, s(second)).retry_after_s;
            if second >= 16 {
                let jump = before.map_or(0, |before| wait_s.abs_diff(before));
                assert!(jump <= 4, "{before:?} -> {wait_s} at {second}");
                before = Some(wait_s);
            }
        }
    }
}
