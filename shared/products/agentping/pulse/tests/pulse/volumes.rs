//! Doubt that a fall of volume brings.

use tidegate_agentping_pulse::{DoubtReason, VolumeWatch};
use tidegate_kernel::Timestamp;

use crate::judged::time;

const DAY_MS: i64 = 86_400_000;

/// `days` days in which each minute from 11:00 to 11:30 had `mean` records, before the day of the tests.
fn with_history(days: i64, mean: u32) -> VolumeWatch {
    let mut watch = VolumeWatch::default();
    watch.judge(time("11:00").plus_millis(-days * DAY_MS));
    for day in (1..=days).rev() {
        for minute in 0..30 {
            let at = time("11:00").plus_millis(-day * DAY_MS + minute * 60_000 + 1);
            (0..mean).for_each(|_| watch.count(at));
        }
        watch.judge(time("13:00").plus_millis(-day * DAY_MS));
    }
    watch.judge(time("11:00"));
    watch
}

/// The minutes from 11:00 on have so many records.
fn minutes(watch: &mut VolumeWatch, counts: &[u32]) -> Timestamp {
    for (minute, count) in (0..).zip(counts) {
        (0..*count).for_each(|_| watch.count(time("11:00").plus_millis(minute * 60_000 + 30_000)));
    }
    let end = time("11:00").plus_millis(counts.len() as i64 * 60_000);
    watch.judge(end);
    end
}

fn found(watch: &VolumeWatch, to: Timestamp) -> Vec<String> {
    let doubts = watch.doubts(to);
    assert!(doubts.iter().all(|doubt| doubt.reason == DoubtReason::Volume));
    doubts
        .iter()
        .map(|doubt| format!("{} {}", &doubt.from.to_string()[11..19], &doubt.until.to_string()[11..19]))
        .collect()
}

/// As many times the counts of a test as make chance play no part.
fn tenfold(counts: &[u32]) -> Vec<u32> {
    counts.iter().map(|count| count * 10).collect()
}

/// 2.4: 30 % less is an incident, with the abnormal minutes before it; five normal minutes in a row end it.
#[test]
fn a_fall_by_a_third_is_doubt_until_five_normal_minutes() {
    for (counts, doubts) in [
        (&[100, 100, 91, 100][..], &[][..]),
        (&[100, 90, 85, 80, 71, 100, 100, 100, 100, 100, 70], &["11:10:00 11:11:00"]),
        (&[100, 71, 100, 70], &["11:01:00 11:04:00"]),
        (&[100, 70, 100, 100, 100, 100, 100], &["11:01:00 11:01:59"]),
        (&[100, 70, 100, 100, 100, 100], &["11:01:00 11:06:00"]),
        (&[0, 0, 100, 100, 90, 100, 100, 100, 100, 100], &["11:00:00 11:04:59"]),
        (&[300, 0], &["11:01:00 11:02:00"]),
    ] {
        let mut watch = with_history(14, 1_000);
        let end = minutes(&mut watch, &tenfold(counts));
        assert_eq!(found(&watch, end), doubts, "{counts:?}");
    }
}

/// With less than 14 days, or with fewer than 50 records a minute, nothing follows.
#[test]
fn without_enough_history_nothing_is_said() {
    for (days, mean, is_doubt) in [(13, 100, false), (14, 49, false), (14, 50, true), (30, 50, true)] {
        let mut watch = with_history(days, mean);
        let end = minutes(&mut watch, &[mean, 0]);
        assert_eq!(!found(&watch, end).is_empty(), is_doubt, "{days} {mean}");
    }
}

/// What an incident has taken in is no history: the same minute of other days is set against the days before it.
#[test]
fn minutes_of_an_incident_are_no_history() {
    let mut watch = with_history(14, 1_000);
    minutes(&mut watch, &tenfold(&[100, 0, 0, 100, 100, 100, 100, 100, 100]));
    let next_day = |minute: i64| time("11:00").plus_millis(DAY_MS + minute * 60_000);
    watch.judge(next_day(0));
    for minute in 0..3 {
        // With yesterday's zeros in it, the mean of the minute would be 933, and 700 no incident.
        (0..700).for_each(|_| watch.count(next_day(minute)));
    }
    watch.judge(next_day(3));
    assert_eq!(found(&watch, next_day(3)).last().unwrap(), "11:00:00 11:03:00");
}

/// What is abnormal is waited for, as long as five normal minutes would take to end it; a minute that is not over is, too.
#[test]
fn what_may_become_an_incident_is_waited_for() {
    let known = |counts: &[u32], to: &str| {
        let mut watch = with_history(14, 1_000);
        minutes(&mut watch, &tenfold(counts));
        watch.known_to(time(to)).to_string()[11..19].to_owned()
    };
    assert_eq!(known(&[100, 100], "11:02:40"), "11:02:00");
    assert_eq!(known(&[100, 85], "11:02:40"), "11:01:00");
    assert_eq!(known(&[100, 85, 85, 85, 85, 85, 85], "11:07:10"), "11:07:10");
    assert_eq!(known(&[100, 20], "11:02:40"), "11:02:40");
    let mut quiet = with_history(13, 1_000);
    minutes(&mut quiet, &[1_000]);
    assert_eq!(quiet.known_to(time("11:01:40")), time("11:01:40"));
}

/// AC-26: verdicts about runs wait for the same minutes, though their clock may be ahead of what is judged. Where no
/// minute is judged they wait for none.
#[test]
fn runs_wait_for_what_may_become_an_incident() {
    let known = |counts: &[u32]| {
        let mut watch = with_history(14, 1_000);
        minutes(&mut watch, &tenfold(counts));
        watch.runs_known_to()
    };
    assert_eq!(known(&[100, 100]), time("11:02"));
    assert_eq!(known(&[100, 85]), time("11:01"));
    assert_eq!(known(&[100, 85, 85, 85, 85, 85]), time("11:01"));
    assert_eq!(known(&[100, 85, 85, 85, 85, 85, 85]), time("11:07"));
    assert_eq!(known(&[100, 20]), time("11:02"));
    let mut quiet = with_history(13, 1_000);
    minutes(&mut quiet, &[1_000]);
    assert_eq!(quiet.runs_known_to(), Timestamp::LAST);
}

/// Whether it was stopped in between or not, the same is found; hours are written once they are over.
#[test]
fn it_goes_on_from_what_was_kept() {
    let mut watch = with_history(14, 1_000);
    let mut written = watch.take_changed();
    watch.written();
    assert_eq!(written.len(), 14 * 24, "each hour once");
    minutes(&mut watch, &[1_000, 700]);
    assert!(watch.take_changed().is_empty(), "the hour is not over");
    let kept = serde_json::to_vec(&watch).unwrap();
    let mut restored: VolumeWatch = serde_json::from_slice(&kept).unwrap();
    written.drain(..).for_each(|(hour, counts)| restored.add_hour(hour, counts));
    restored.restored();
    for watch in [&mut watch, &mut restored] {
        for minute in 2..12 {
            (0..1_000).for_each(|_| watch.count(time("11:00").plus_millis(minute * 60_000)));
        }
        watch.judge(time("12:05"));
    }
    assert_eq!(found(&watch, time("12:05")), found(&restored, time("12:05")));
    assert_eq!(found(&restored, time("12:05"))[0], "11:01:00 11:01:59");
    assert_eq!(restored.take_changed(), watch.take_changed());
    watch.forget(time("11:30"));
    assert!(found(&watch, time("12:05")).iter().all(|doubt| !doubt.starts_with("11:01")));
}

/// A fall has to be more than 30 %, and more than chance makes: at 50 records a minute 30 % is nothing, at 1,000 it is
/// much, unless the days before were as far apart.
#[test]
fn what_chance_can_make_is_no_doubt() {
    for (mean, count, is_doubt) in [
        (50, 35, false),
        (50, 7, false),
        (50, 6, true),
        (100, 38, false),
        (100, 37, true),
        (1_000, 701, false),
        (1_000, 700, true),
    ] {
        let mut watch = with_history(14, mean);
        let end = minutes(&mut watch, &[mean, count]);
        assert_eq!(!found(&watch, end).is_empty(), is_doubt, "{count} of {mean}");
    }
    let mut uneven = VolumeWatch::default();
    uneven.judge(time("11:00").plus_millis(-14 * DAY_MS));
    for day in (1..=14).rev() {
        let count = if day % 2 == 0 { 400 } else { 1_600 };
        (0..count).for_each(|_| uneven.count(time("11:01").plus_millis(-day * DAY_MS)));
        uneven.judge(time("11:30").plus_millis(-day * DAY_MS));
    }
    uneven.judge(time("11:00"));
    let end = minutes(&mut uneven, &[0, 300]);
    assert_eq!(found(&uneven, end), [""; 0], "every other day had as few");
}

/// Numbers from a seed, the same in each run.
struct Seeded(u64);

impl Seeded {
    /// Between 0 and 1.
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// How many independent records come in a minute, of which so many are expected (Knuth's method).
    fn poisson(&mut self, mean: f64) -> u32 {
        let (limit, mut product, mut count) = ((-mean).exp(), self.next(), 0);
        while product > limit {
            product *= self.next();
            count += 1;
        }
        count
    }
}

/// A year of minutes with independent records has no doubt; an outage after it has.
#[test]
fn a_year_of_chance_has_no_doubt() {
    const MEAN: f64 = 60.0;
    let mut chance = Seeded(0x9e37_79b9_7f4a_7c15);
    let mut watch = VolumeWatch::default();
    let begin = time("00:00");
    watch.judge(begin);
    for minute in 0..365 * 1_440 {
        let at = begin.plus_millis(minute * 60_000);
        (0..chance.poisson(MEAN)).for_each(|_| watch.count(at));
        watch.judge(at.plus_millis(60_000));
        if minute % 1_440 == 0 {
            assert_eq!(found(&watch, at), [""; 0], "day {}", minute / 1_440);
            watch.take_changed();
            watch.written();
        }
    }
    let end = begin.plus_millis(365 * DAY_MS);
    assert_eq!(found(&watch, end), [""; 0]);
    watch.judge(end.plus_millis(60_000));
    assert_eq!(found(&watch, end.plus_millis(60_000)).len(), 1, "a minute without any record");
}
