//! One reading of the lag, and what two of them say together.

use tidegate_kernel::{Partition, Timestamp};
use tidegate_ports::PartitionLag;
use tokio::time::Instant;

/// How far every partition was at one moment.
#[derive(Clone, Debug)]
pub struct Reading {
    pub at: Timestamp,
    /// The same moment on a clock that is never set.
    pub taken_at: Instant,
    pub partitions: Vec<PartitionLag>,
    /// For how long the oldest record of each has waited; `None` where none waits.
    pub ages_ms: Vec<Option<u64>>,
}

impl Reading {
    /// Records that wait, over all partitions.
    pub fn records(&self) -> u64 {
        self.partitions.iter().map(PartitionLag::records).sum()
    }

    pub fn oldest_appended_at(&self) -> Option<Timestamp> {
        self.partitions.iter().filter_map(|one| one.oldest_appended_at).min()
    }

    /// For how long the oldest record of all has waited.
    pub fn age_ms(&self) -> Option<u64> {
        self.ages_ms.iter().flatten().copied().max()
    }

    /// What is not as it should be, in words.
    pub fn notes(&self) -> Vec<String> {
        self.partitions.iter().filter_map(note).collect()
    }
}

fn note(lag: &PartitionLag) -> Option<String> {
    let PartitionLag { partition, first, committed, accounted, end, .. } = *lag;
    if lag.went_back() {
        return Some(format!(
            "partition {partition}: everything up to offset {accounted} is accounted for and the log ends at {end}: the \
             topic was deleted and created again, or lost its end; move to another generation (docs/runbook.md, \
             TidegatePartitionHalted)"
        ));
    }
    if accounted > committed.max(first) {
        return Some(format!(
            "partition {partition}: offset {committed} is committed, and the store has everything up to {accounted}: that \
             does not wait, its consumers pass over it"
        ));
    }
    if committed < first {
        let lost = first - committed;
        return Some(format!(
            "partition {partition}: {lost} records, from offset {committed} on, were deleted by retention before they \
             were applied; keep records for longer than the longest outage (retention)"
        ));
    }
    (committed > end).then(|| {
        format!(
            "partition {partition}: offset {committed} is committed and the log ends at {end}: records that were \
             applied are gone from it; do not let consumers go on before that is understood"
        )
    })
}

/// Records per second between two readings.
#[derive(Clone, Debug, PartialEq)]
pub struct Pace {
    /// Applied, by partition.
    pub drained: Vec<(Partition, f64)>,
    /// Over all partitions.
    pub drained_per_s: f64,
    pub appended_per_s: f64,
    /// Until nothing waits, if both go on so; `None` if that is never.
    pub left_s: Option<u64>,
}

impl Pace {
    /// `None` if the readings are of one moment or of different partitions.
    pub fn between(before: &Reading, now: &Reading) -> Option<Pace> {
        let seconds = now.taken_at.saturating_duration_since(before.taken_at).as_secs_f64();
        let comparable = before.partitions.len() == now.partitions.len();
        if seconds <= 0.0 || !comparable {
            return None;
        }
        // Offsets go back only where an operator resets them.
        let per_s = |from: i64, to: i64| (to - from).max(0) as f64 / seconds;
        let pairs = || before.partitions.iter().zip(&now.partitions);
        let drained: Vec<_> =
            pairs().map(|(one, other)| (other.partition, per_s(one.committed, other.committed))).collect();
        let drained_per_s: f64 = drained.iter().map(|(_, rate)| rate).sum();
        let appended_per_s: f64 = pairs().map(|(one, other)| per_s(one.end, other.end)).sum();
        let net = drained_per_s - appended_per_s;
        let left_s = match now.records() {
            0 => Some(0),
            records => (net > 0.0).then(|| (records as f64 / net).ceil() as u64),
        };
        Some(Pace { drained, drained_per_s, appended_per_s, left_s })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn lag(partition: Partition, [first, committed, end]: [i64; 3]) -> PartitionLag {
        let oldest_appended_at = (committed < end).then(|| Timestamp::from_millis(1_000 + committed));
        let (generation, accounted, log_time) = (1, 0, None);
        PartitionLag { generation, partition, first, committed, accounted, end, oldest_appended_at, log_time }
    }

    fn reading(taken_at: Instant, offsets: &[[i64; 3]]) -> Reading {
        let partitions = (0..).zip(offsets).map(|(partition, offsets)| lag(partition, *offsets)).collect();
        let ages_ms = offsets.iter().map(|[_, committed, end]| (committed < end).then_some(5_000)).collect();
        Reading { at: Timestamp::from_millis(6_000), taken_at, partitions, ages_ms }
    }

    #[test]
    fn a_reading_sums_its_partitions() {
        let one = reading(Instant::now(), &[[0, 10, 15], [3, 3, 3], [0, 0, 2]]);
        assert_eq!((one.records(), one.oldest_appended_at()), (7, Some(Timestamp::from_millis(1_000))));
        assert_eq!(one.age_ms(), Some(5_000));
        assert_eq!(one.notes(), Vec::<String>::new());
    }

    #[test]
    fn what_retention_took_unapplied_and_what_the_log_forgot_is_told() {
        let one = reading(Instant::now(), &[[5, 2, 9], [0, 12, 10], [0, 0, 0]]);
        assert_eq!(one.records(), 4, "what is gone does not wait");
        let notes = one.notes();
        assert_eq!(notes.len(), 2, "{notes:?}");
        assert!(notes[0].starts_with("partition 0: 3 records, from offset 2 on, were deleted"), "{notes:?}");
        assert!(notes[1].starts_with("partition 1: offset 12 is committed and the log ends at 10"), "{notes:?}");
    }

    #[test]
    fn a_group_that_forgot_and_a_log_that_is_another_one_are_told() {
        let mut one = reading(Instant::now(), &[[0, 0, 9], [0, 9, 9]]);
        (one.partitions[0].accounted, one.partitions[1].accounted) = (7, 12);
        assert_eq!(one.records(), 2, "what the store has does not wait");
        let notes = one.notes();
        assert!(notes[0].starts_with("partition 0: offset 0 is committed, and the store has everything up to 7"));
        assert!(notes[1].starts_with("partition 1: everything up to offset 12 is accounted for and the log ends at 9"));
    }

    #[test]
    fn two_readings_tell_the_pace_and_the_time_left() {
        let start = Instant::now();
        let before = reading(start, &[[0, 0, 100], [0, 50, 50]]);
        let later = |offsets: &[[i64; 3]]| reading(start + Duration::from_secs(2), offsets);
        let pace = Pace::between(&before, &later(&[[0, 40, 110], [0, 50, 50]])).expect("two moments");
        assert_eq!(pace.drained, [(0, 20.0), (1, 0.0)]);
        assert_eq!((pace.drained_per_s, pace.appended_per_s, pace.left_s), (20.0, 5.0, Some(5)));
        let behind = Pace::between(&before, &later(&[[0, 4, 110], [0, 50, 50]])).expect("two moments");
        assert_eq!(behind.left_s, None, "more comes than goes");
        let done = Pace::between(&before, &later(&[[0, 100, 100], [0, 50, 50]])).expect("two moments");
        assert_eq!(done.left_s, Some(0));
        assert_eq!(Pace::between(&before, &before), None);
        assert_eq!(Pace::between(&before, &later(&[[0, 0, 0]])), None, "another log");
        let back = Pace::between(&later(&[[0, 40, 100], [0, 50, 50]]), &before);
        assert_eq!(back, None, "no time passed");
    }
}
