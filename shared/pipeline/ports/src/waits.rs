//! Measures how long records have waited. Two clocks are used and never compared: this process's monotonic clock for
//! records that arrived since the first measurement, and the log's clock for older ones.
//!
//! An age by the wall clock would be a difference of two machines' clocks: a front door two minutes ahead of its broker
//! would measure every record as two minutes old.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tidegate_kernel::{Partition, Timestamp};

use crate::PartitionLag;

/// End offsets kept per partition: exact ages for a quarter of an hour at one measurement per second. Longer ages are
/// exact to a fraction.
const ENDS: usize = 1_024;
/// The error of an age is at most one part in this many, for the first hundred thousand seconds.
const PARTS: u32 = 64;

/// Waiting times derived from the lag measurements so far.
#[derive(Clone, Debug, Default)]
pub struct Waits {
    partitions: HashMap<(u16, Partition), Seen>,
}

/// One partition.
#[derive(Clone, Debug)]
struct Seen {
    /// The end offset at the first measurement: records below it were waiting before.
    first_at: Duration,
    first_end: i64,
    /// The log's clock at the first measurement.
    log_time: Option<Timestamp>,
    last_end: i64,
    /// End offsets of later measurements with the time each was first seen, above the applied offset.
    ends: VecDeque<(Duration, i64)>,
}

impl Waits {
    /// Adds a measurement made `at` this time after a fixed moment, by a monotonic clock.
    pub fn note(&mut self, at: Duration, lags: &[PartitionLag]) {
        for lag in lags {
            let seen = self.partitions.entry((lag.generation, lag.partition)).or_insert_with(|| Seen::new(at, lag));
            seen.note(at, lag);
        }
    }

    /// Milliseconds that the oldest record of this partition has waited; 0 when none waits. Too low by at most the time
    /// between two measurements. For a record from before the first measurement it is the time since then plus the time
    /// between the append of the oldest record and of the newest one.
    pub fn age_ms(&self, at: Duration, lag: &PartitionLag) -> u64 {
        if lag.records() == 0 {
            return 0;
        }
        let seen = self.partitions.get(&(lag.generation, lag.partition));
        seen.map_or(0, |seen| seen.age_ms(at, lag))
    }

    /// The greatest age in milliseconds among these partitions.
    pub fn oldest_ms<'l>(&self, at: Duration, lags: impl IntoIterator<Item = &'l PartitionLag>) -> u64 {
        lags.into_iter().map(|lag| self.age_ms(at, lag)).max().unwrap_or(0)
    }
}

impl Seen {
    fn new(at: Duration, lag: &PartitionLag) -> Self {
        Seen { first_at: at, first_end: lag.end, log_time: lag.log_time, last_end: lag.end, ends: VecDeque::new() }
    }

    fn note(&mut self, at: Duration, lag: &PartitionLag) {
        if lag.end < self.last_end {
            // A new log: the former one's measurements do not apply.
            *self = Seen::new(at, lag);
        }
        if lag.end > self.last_end {
            self.last_end = lag.end;
            if self.ends.len() == ENDS {
                self.thin_out(at);
            }
            self.ends.push_back((at, lag.end));
        }
        while self.ends.front().is_some_and(|(_, end)| *end <= lag.next()) {
            self.ends.pop_front();
        }
    }

    /// Drops end offsets that were seen shortly before the next one, relative to their age: their records count as seen
    /// with the next.
    fn thin_out(&mut self, at: Duration) {
        let mut parts = PARTS;
        while self.ends.len() >= ENDS && parts > 0 {
            let mut kept: VecDeque<(Duration, i64)> = VecDeque::with_capacity(ENDS);
            let mut ends = std::mem::take(&mut self.ends).into_iter().peekable();
            while let Some(end) = ends.next() {
                let is_crowded = kept.back().zip(ends.peek()).is_some_and(|((previous, _), (next, _))| {
                    next.saturating_sub(*previous).saturating_mul(parts) <= at.saturating_sub(*next)
                });
                if !is_crowded {
                    kept.push_back(end);
                }
            }
            self.ends = kept;
            parts /= 2;
        }
    }

    fn age_ms(&self, at: Duration, lag: &PartitionLag) -> u64 {
        let since = |then: Duration| u64::try_from(at.saturating_sub(then).as_millis()).unwrap_or(u64::MAX);
        if lag.next() >= self.first_end {
            return self.ends.iter().find(|(_, end)| *end > lag.next()).map_or(0, |(seen_at, _)| since(*seen_at));
        }
        let before = self.log_time.zip(lag.oldest_appended_at).map_or(0, |(then, oldest)| then.millis_since(oldest));
        since(self.first_at).saturating_add(before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// `[applied, end)` waits; its oldest record and the log's clock, in seconds by that clock.
    fn lag(applied: i64, end: i64, log: Option<(i64, i64)>) -> PartitionLag {
        let at = |seconds: i64| Timestamp::from_millis(1_781_524_800_000 + seconds * 1_000);
        PartitionLag {
            generation: 1,
            partition: 4,
            first: 0,
            committed: applied,
            accounted: 0,
            end,
            oldest_appended_at: log.map(|(oldest, _)| at(oldest)),
            log_time: log.map(|(_, now)| at(now)),
        }
    }

    /// The age after these readings, in seconds.
    fn age_s(readings: &[(u64, PartitionLag)]) -> u64 {
        let mut waits = Waits::default();
        readings.iter().for_each(|(at, lag)| waits.note(s(*at), &[*lag]));
        let (at, last) = readings.last().expect("a reading");
        waits.oldest_ms(s(*at), [last]) / 1_000
    }

    #[test]
    fn what_was_seen_to_come_ages_from_then_on_whatever_the_logs_clock_says() {
        for hours in [-5_000, 0, 5_000] {
            let log = Some((hours * 3_600, hours * 3_600 + 1));
            let came = [(0, lag(7, 7, None)), (10, lag(7, 9, log)), (25, lag(7, 20, log))];
            assert_eq!(age_s(&came), 15);
            assert_eq!(age_s(&[&came[..], &[(30, lag(9, 20, log))]].concat()), 5, "those of the first ten are applied");
            assert_eq!(age_s(&[&came[..], &[(30, lag(20, 20, None))]].concat()), 0);
        }
    }

    #[test]
    fn a_backlog_that_sinks_is_as_old_as_its_oldest_record() {
        // 100 a second come, 50 are applied: after 200 s the oldest of those that wait came at 100 s.
        let readings: Vec<_> = (0..=200).map(|at| (at, lag(at as i64 * 50, at as i64 * 100, Some((0, 0))))).collect();
        assert_eq!(age_s(&readings), 200 - 101);
    }

    #[test]
    fn what_waited_before_the_first_reading_is_as_old_as_the_logs_own_clock_says() {
        let first = (5, lag(0, 100, Some((-600, 0))));
        assert_eq!(age_s(&[first]), 600);
        assert_eq!(age_s(&[first, (15, lag(0, 130, Some((-600, 10))))]), 610);
        // The oldest of them is a younger one now, and then one that came after the first reading.
        assert_eq!(age_s(&[first, (15, lag(50, 130, Some((-300, 10))))]), 310);
        assert_eq!(age_s(&[first, (15, lag(50, 130, None)), (25, lag(100, 130, Some((2, 9))))]), 10);
    }

    #[test]
    fn a_group_that_goes_back_makes_nothing_old() {
        let came = [(0, lag(7, 7, None)), (10, lag(7, 900, None)), (20, lag(900, 900, None))];
        let back = lag(0, 900, Some((-5_000, 0)));
        assert_eq!(age_s(&[&came[..], &[(21, PartitionLag { accounted: 900, ..back })]].concat()), 0, "all is applied");
        assert_eq!(age_s(&[&came[..], &[(21, back)]].concat()), 21, "no longer than it was watched");
    }

    #[test]
    fn another_log_begins_anew() {
        let came = [(0, lag(7, 7, None)), (10, lag(7, 900, None)), (300, lag(0, 3, Some((0, 2))))];
        assert_eq!(age_s(&came), 2);
    }

    #[test]
    fn a_long_wait_is_remembered_in_bounded_space() {
        let mut waits = Waits::default();
        for at in 0..100_000 {
            waits.note(s(at), &[lag(0, at as i64, None)]);
        }
        let oldest = waits.age_ms(s(100_000), &lag(1, 99_999, None)) / 1_000;
        assert!((98_437..=100_000).contains(&oldest), "{oldest}");
        let half = waits.age_ms(s(100_000), &lag(50_000, 99_999, None)) / 1_000;
        assert!((49_000..=50_000).contains(&half), "{half}");
        assert!(waits.partitions.values().all(|seen| seen.ends.len() <= ENDS));
    }
}
