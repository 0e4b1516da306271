//! For how long records have waited, by clocks that are never compared: this process's own, which never steps, for what
//! it saw come, and the log's for what waited before that.
//!
//! The age of a record by the wall clock would be the difference of two machines' clocks: a front door that is two minutes
//! ahead of its broker would take every record for two minutes old.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tidegate_kernel::{Partition, Timestamp};

use crate::PartitionLag;

/// Ends remembered for a partition: at one reading a second, a quarter of an hour that is exact. What waits for longer is
/// known to a part of its age.
const ENDS: usize = 1_024;
/// An age is short by one of so many parts of itself at the most, for the first hundred thousand seconds.
const PARTS: u32 = 64;

/// What the readings of the lag so far say of how long records have waited.
#[derive(Clone, Debug, Default)]
pub struct Waits {
    partitions: HashMap<(u16, Partition), Seen>,
}

/// One partition.
#[derive(Clone, Debug)]
struct Seen {
    /// The first reading: records below its end waited before.
    first_at: Duration,
    first_end: i64,
    /// The log's clock then.
    log_time: Option<Timestamp>,
    last_end: i64,
    /// The ends that later readings brought, and when each was seen first; only those above what is applied.
    ends: VecDeque<(Duration, i64)>,
}

impl Waits {
    /// Takes a reading in, made `at` so long after some fixed moment, by a clock that never steps.
    pub fn note(&mut self, at: Duration, lags: &[PartitionLag]) {
        for lag in lags {
            let seen = self.partitions.entry((lag.generation, lag.partition)).or_insert_with(|| Seen::new(at, lag));
            seen.note(at, lag);
        }
    }

    /// For how many milliseconds the oldest record of this partition has waited; 0 when none waits. Short by the time
    /// between two readings at the most. For what waited before the first reading it is the time since then, and the time
    /// between the oldest record's append and the newest one's.
    pub fn age_ms(&self, at: Duration, lag: &PartitionLag) -> u64 {
        if lag.records() == 0 {
            return 0;
        }
        let seen = self.partitions.get(&(lag.generation, lag.partition));
        seen.map_or(0, |seen| seen.age_ms(at, lag))
    }

    /// The greatest age of these partitions.
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
            // Another log: what was seen of the one before says nothing of it.
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

    /// Ends that were seen shortly before the next one, for their age, go: their records count as seen with the next.
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
