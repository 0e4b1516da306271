//! How far the log has been applied.

use tidegate_agentping_pulse::watermark::{PartitionProgress, PartitionReading, Watermark};
use tidegate_agentping_pulse::{Doubt, DoubtReason};
use tidegate_kernel::Timestamp;

use PartitionProgress::{Behind, CaughtUp, Torn, Unreadable};

const MINUTE_MS: i64 = 60_000;

fn second(second: i64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000 + second * 1_000)
}

/// Readings of partitions from 0 on.
fn readings(of: &[(i64, PartitionProgress)]) -> Vec<PartitionReading> {
    let reading = |(partition, (applied, progress)): (usize, &(i64, PartitionProgress))| PartitionReading {
        id: (1, partition as u32),
        applied: *applied,
        progress: *progress,
    };
    of.iter().enumerate().map(reading).collect()
}

fn caught_up(at: i64) -> PartitionProgress {
    CaughtUp { asked_at: second(at) }
}

fn behind(at: i64) -> PartitionProgress {
    Behind { oldest_appended_at: second(at) }
}

#[test]
fn it_is_the_slowest_partitions_clock_less_the_difference_of_clocks() {
    let mut watermark = Watermark::new(second(0));
    watermark.read(second(100), &readings(&[(5, caught_up(100)), (7, behind(60)), (0, caught_up(99))]));
    assert_eq!(watermark.now(), second(58));
    watermark.read(second(101), &readings(&[(5, caught_up(101)), (9, caught_up(101)), (0, caught_up(101))]));
    assert_eq!(watermark.now(), second(99));
    assert_eq!(watermark.judged_until(30_000), second(69));
    // What was appended before and is read again moves nothing back.
    watermark.read(second(102), &readings(&[(5, behind(10)), (9, caught_up(102)), (0, caught_up(102))]));
    assert_eq!(watermark.now(), second(99));
}

#[test]
fn a_partition_that_cannot_be_read_holds_it() {
    let mut watermark = Watermark::new(second(0));
    watermark.read(second(10), &readings(&[(0, caught_up(10)), (0, caught_up(10))]));
    watermark.read(second(20), &readings(&[(0, caught_up(20)), (0, Unreadable)]));
    assert_eq!((watermark.now(), watermark.stalled().count()), (second(8), 0));
    // So does a new generation's, until it is read.
    let mut all = readings(&[(0, caught_up(30)), (0, caught_up(30))]);
    all.push(PartitionReading { id: (2, 0), applied: 0, progress: Unreadable });
    watermark.read(second(30), &all);
    assert_eq!(watermark.now(), second(8));
    // A retired one does not.
    watermark.read(second(40), &readings(&[(0, caught_up(40)), (0, caught_up(40))]));
    assert_eq!(watermark.now(), second(38));
}

/// Reads every 10 s from `from` until `until`: partition 0 goes on, partition 1 stands at `stands`.
fn standing(watermark: &mut Watermark, from: i64, until: i64, stands: i64) {
    for now in (from..=until).step_by(10) {
        watermark.read(second(now), &readings(&[(now, caught_up(now)), (0, behind(stands))]));
    }
}

/// AC-24: the watermark stands for a quarter of an hour, then goes on without the partition; until that has caught up,
/// openings may be missing.
#[test]
fn ac_24_a_stalled_partition_leaves_after_a_quarter_of_an_hour() {
    let mut watermark = Watermark::new(second(0));
    standing(&mut watermark, 100, 990, 100);
    assert_eq!((watermark.now(), watermark.stalled().count()), (second(98), 0));
    assert!(watermark.doubts(0).is_empty());
    standing(&mut watermark, 1_000, 1_100, 100);
    assert_eq!((watermark.now(), watermark.stalled().collect::<Vec<_>>()), (second(1_098), vec![(1, 1)]));
    let open = Doubt { from: second(68), until: Timestamp::LAST, reason: DoubtReason::Log };
    assert_eq!(watermark.doubts(30_000), [open]);
    assert_eq!(watermark.clock((1, 1)), Some(second(98)));
    // It goes on, and the others do not wait for it.
    watermark.read(second(1_110), &readings(&[(1_110, caught_up(1_110)), (50, behind(700))]));
    assert_eq!((watermark.now(), watermark.doubts(0).len()), (second(1_108), 1));
    watermark.read(second(1_120), &readings(&[(1_120, caught_up(1_120)), (99, caught_up(1_120))]));
    assert_eq!((watermark.now(), watermark.stalled().count()), (second(1_118), 0));
    assert_eq!(watermark.doubts(0), [Doubt { from: second(98), until: second(1_118), reason: DoubtReason::Log }]);
    // It is in the minimum again.
    standing(&mut watermark, 1_130, 1_200, 1_125);
    assert_eq!(watermark.now(), second(1_123));
}

/// AC-23: where no consumer is left, nothing goes ahead, and nothing is in doubt after catching up.
#[test]
fn ac_23_where_all_partitions_stand_all_are_waited_for() {
    let mut watermark = Watermark::new(second(0));
    watermark.read(second(0), &readings(&[(5, caught_up(0)), (5, caught_up(0)), (5, caught_up(0))]));
    for now in (10..1_800).step_by(10) {
        watermark.read(second(now), &readings(&[(5, behind(5)), (5, behind(7)), (5, caught_up(now))]));
    }
    assert_eq!((watermark.now(), watermark.stalled().count()), (second(3), 0));
    // Consumers are back: one partition is far ahead of the other for a while.
    for now in (1_800..2_100).step_by(10) {
        watermark.read(second(now), &readings(&[(now, behind(now - 100)), (5, behind(7)), (5, caught_up(now))]));
    }
    assert_eq!(watermark.now(), second(5));
    watermark
        .read(second(2_100), &readings(&[(3_000, caught_up(2_100)), (3_000, caught_up(2_100)), (5, caught_up(2_100))]));
    assert_eq!((watermark.now(), watermark.doubts(0).is_empty()), (second(2_098), true));
}

#[test]
fn a_log_that_lost_records_is_in_doubt_at_once() {
    let mut watermark = Watermark::new(second(0));
    watermark.read(second(10), &readings(&[(5, caught_up(10)), (5, caught_up(10))]));
    watermark.read(second(20), &readings(&[(6, caught_up(20)), (5, Torn)]));
    assert_eq!(watermark.now(), second(8));
    assert_eq!(watermark.doubts(0), [Doubt { from: second(8), until: Timestamp::LAST, reason: DoubtReason::Log }]);
    watermark.read(second(30), &readings(&[(6, caught_up(30)), (5, caught_up(30))]));
    assert_eq!(watermark.doubts(0), [Doubt { from: second(8), until: second(28), reason: DoubtReason::Log }]);
    assert_eq!(watermark.now(), second(28));
}

#[test]
fn a_restart_goes_on_from_it() {
    let mut watermark = Watermark::new(second(0));
    standing(&mut watermark, 0, 2_000, 100);
    let text = serde_json::to_string(&watermark).unwrap();
    let mut again: Watermark = serde_json::from_str(&text).unwrap();
    assert_eq!(again, watermark);
    standing(&mut again, 2_010, 2_020, 100);
    standing(&mut watermark, 2_010, 2_020, 100);
    assert_eq!(again, watermark);
    assert_eq!(again.now(), second(2_018));
    assert!(second(0).plus_millis(15 * MINUTE_MS) < again.now());
}
