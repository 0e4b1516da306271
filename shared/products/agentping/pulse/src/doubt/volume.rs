//! Doubt by volume: far fewer records in a minute than in the same minute of other days.
//!
//! A minute is set against the mean of that minute of the day in the last 30 days. 10 % less is abnormal, 30 % less is an
//! incident, which takes in the abnormal minutes right before it; five normal minutes in a row end either. What an incident has
//! taken in is doubt, and no part of the history.
//!
//! Chance alone makes small volumes fall as far. So a fall counts only if it is also many standard deviations: those of
//! independent records (the root of the mean), or those seen in the history where it spreads more, and of the mean itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tidegate_kernel::Timestamp;

use super::{Doubt, DoubtReason};

/// Milliseconds of a minute.
pub const MINUTE_MS: i64 = 60_000;
/// Minutes of an hour.
pub const MINUTES: usize = 60;
/// Days that a minute is set against.
const DAYS: i64 = 30;
/// With fewer of them nothing is said.
const MIN_DAYS: u64 = 14;
/// With fewer records in the mean nothing is said.
const MIN_MEAN: u64 = 50;
/// Standard deviations below the mean from which on a minute is abnormal, and from which on it is an incident: chance
/// alone comes to the second less than once in a thousand million minutes.
const ABNORMAL_DEVIATIONS: i128 = 2;
const INCIDENT_DEVIATIONS: i128 = 6;
/// So many normal minutes in a row end what is abnormal.
const CALM: i64 = 5;
const DAY_MINUTES: i64 = 24 * 60;

/// Records of each minute of an hour; `None`: not counted, or part of an incident.
pub type HourCounts = [Option<u32>; MINUTES];

/// How a minute compares with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Normal,
    Abnormal,
    Incident,
}

/// What is going on. Minutes are numbers since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    #[default]
    Normal,
    /// Since then, the last abnormal minute being `last`.
    Abnormal {
        from: i64,
        last: i64,
    },
    Incident {
        from: i64,
        last: i64,
    },
}

/// The volume of records, minute by minute. All but [`VolumeWatch::hours`] is kept with the judge's state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeWatch {
    #[serde(skip)]
    hours: BTreeMap<i64, HourCounts>,
    /// Hours that have changed since they were taken for writing.
    #[serde(skip)]
    changed: Vec<i64>,
    /// Records of minutes that are not judged yet.
    counting: BTreeMap<i64, u32>,
    /// Judged minutes of hours that are not over.
    judged: BTreeMap<i64, Option<u32>>,
    /// The first minute that is not judged.
    next: Option<i64>,
    phase: Phase,
    doubts: Vec<Doubt>,
}

impl VolumeWatch {
    /// A record was received.
    pub fn count(&mut self, received_at: Timestamp) {
        let minute = minute_of(received_at);
        if self.next.is_none_or(|next| minute >= next) {
            *self.counting.entry(minute).or_default() += 1;
        }
    }

    /// Takes in an hour as it was written.
    pub fn add_hour(&mut self, hour: i64, counts: HourCounts) {
        self.hours.insert(hour, counts);
    }

    /// Puts the minutes of hours that are not over into the history, once all written hours are added.
    pub fn restored(&mut self) {
        for (minute, count) in &self.judged {
            put(&mut self.hours, *minute, *count);
            note(&mut self.changed, hour_of(*minute));
        }
    }

    /// Whether a minute is over at `to` that is not judged.
    pub fn is_due(&self, to: Timestamp) -> bool {
        self.next.is_some_and(|next| next < minute_of(to))
    }

    /// Judges the minutes that are over at `to`: all records received until then are counted.
    pub fn judge(&mut self, to: Timestamp) {
        let end = minute_of(to);
        let mut minute = *self.next.get_or_insert(end);
        while minute < end {
            let count = self.counting.remove(&minute).unwrap_or(0);
            let level = self.level(minute, count);
            self.set(minute, Some(count));
            self.step(minute, level);
            minute += 1;
        }
        self.next = Some(minute);
        self.counting = self.counting.split_off(&minute);
        let oldest = hour_of(minute - (DAYS + 1) * DAY_MINUTES);
        self.hours = self.hours.split_off(&oldest);
    }

    fn level(&self, minute: i64, count: u32) -> Level {
        let of_day = |day: i64| {
            let then = minute - day * DAY_MINUTES;
            self.hours.get(&hour_of(then))?[in_hour(then)]
        };
        let counts = || (1..=DAYS).filter_map(of_day).map(u64::from);
        let (days, sum) = counts().fold((0u64, 0u64), |(days, sum), count| (days + 1, sum + count));
        let count = u64::from(count);
        if days < MIN_DAYS || sum < MIN_MEAN * days {
            return Level::Normal;
        }
        // In whole numbers: count below 70 % and 90 % of sum / days, and so many deviations below it.
        let fall = i128::from(sum) - i128::from(count * days);
        let variance =
            fall_variance(i128::from(days), i128::from(sum), counts().map(|count| i128::from(count).pow(2)).sum());
        let is_beyond = |deviations: i128| fall > 0 && fall.pow(2) >= deviations.pow(2) * variance;
        match () {
            () if count * days * 10 <= sum * 7 && is_beyond(INCIDENT_DEVIATIONS) => Level::Incident,
            () if count * days * 10 <= sum * 9 && is_beyond(ABNORMAL_DEVIATIONS) => Level::Abnormal,
            () => Level::Normal,
        }
    }

    fn step(&mut self, minute: i64, level: Level) {
        self.phase = match (self.phase, level) {
            (Phase::Normal, Level::Normal) => Phase::Normal,
            (Phase::Normal, Level::Abnormal) => Phase::Abnormal { from: minute, last: minute },
            (Phase::Normal, Level::Incident) => Phase::Incident { from: minute, last: minute },
            (Phase::Abnormal { from, .. }, Level::Abnormal) => Phase::Abnormal { from, last: minute },
            (Phase::Abnormal { from, .. }, Level::Incident) => Phase::Incident { from, last: minute },
            (Phase::Incident { from, .. }, Level::Abnormal | Level::Incident) => Phase::Incident { from, last: minute },
            (Phase::Abnormal { last, .. }, Level::Normal) if minute - last >= CALM => Phase::Normal,
            (Phase::Incident { from, last }, Level::Normal) if minute - last >= CALM => {
                self.doubts.push(doubt(from, last));
                (from..=last).for_each(|minute| self.set(minute, None));
                Phase::Normal
            }
            (phase, Level::Normal) => phase,
        };
    }

    fn set(&mut self, minute: i64, count: Option<u32>) {
        put(&mut self.hours, minute, count);
        self.judged.insert(minute, count);
        note(&mut self.changed, hour_of(minute));
    }

    /// Up to where it is known, of what could be judged up to `to`. What is abnormal may become an incident: that is waited for,
    /// but no longer than normal minutes would take to end it.
    pub fn known_to(&self, to: Timestamp) -> Timestamp {
        let calm_ms = CALM * MINUTE_MS;
        match self.phase {
            Phase::Abnormal { from, .. } => {
                let from = Timestamp::from_millis(from * MINUTE_MS);
                if to <= from.plus_millis(calm_ms) { to.min(from) } else { to }
            }
            // A minute that is not over says nothing yet, where minutes are judged at all.
            Phase::Normal if self.is_judging() => to.min(self.judged_until()),
            Phase::Normal | Phase::Incident { .. } => to,
        }
    }

    /// The same for verdicts by another clock than that of minutes, as those about runs are: it may be ahead of what is
    /// judged. [`Timestamp::LAST`] where no minute is judged: there they wait for none.
    pub fn runs_known_to(&self) -> Timestamp {
        let judged_until = self.judged_until();
        match self.phase {
            Phase::Abnormal { from, .. } => {
                let from = Timestamp::from_millis(from * MINUTE_MS);
                if judged_until <= from.plus_millis(CALM * MINUTE_MS) { from } else { judged_until }
            }
            Phase::Normal if !self.is_judging() => Timestamp::LAST,
            Phase::Normal | Phase::Incident { .. } => judged_until,
        }
    }

    /// Whether the minute that is being counted has enough history to be judged.
    fn is_judging(&self) -> bool {
        self.next.is_some_and(|next| self.level(next, 0) == Level::Incident)
    }

    fn judged_until(&self) -> Timestamp {
        Timestamp::from_millis(self.next.unwrap_or(0) * MINUTE_MS)
    }

    /// All doubt until `to`; an incident that goes on lasts until then.
    pub fn doubts(&self, to: Timestamp) -> Vec<Doubt> {
        let mut doubts = self.doubts.clone();
        if let Phase::Incident { from, last } = self.phase {
            let so_far = doubt(from, last);
            doubts.push(Doubt { until: so_far.until.max(to), ..so_far });
        }
        doubts
    }

    /// Forgets what ended before `oldest`.
    pub fn forget(&mut self, oldest: Timestamp) {
        self.doubts.retain(|doubt| doubt.until >= oldest);
    }

    /// The hours that are over and have changed, for writing.
    pub fn take_changed(&mut self) -> Vec<(i64, HourCounts)> {
        let current = self.next.map_or(i64::MAX, hour_of);
        let (over, open): (Vec<i64>, Vec<i64>) = self.changed.drain(..).partition(|hour| *hour < current);
        self.changed = open;
        over.into_iter().filter_map(|hour| Some((hour, *self.hours.get(&hour)?))).collect()
    }

    /// The hours that were taken are written, and need not be kept with the state.
    pub fn written(&mut self) {
        let current = self.next.map_or(i64::MIN, hour_of);
        let waiting = &self.changed;
        self.judged.retain(|minute, _| hour_of(*minute) >= current || waiting.contains(&hour_of(*minute)));
    }

    /// The hours that were taken could not be written.
    pub fn not_written(&mut self, hours: impl IntoIterator<Item = i64>) {
        hours.into_iter().for_each(|hour| note(&mut self.changed, hour));
    }

    /// The hours before `at` that a start reads.
    pub fn hours_before(at: Timestamp) -> std::ops::RangeInclusive<i64> {
        let hour = hour_of(minute_of(at));
        hour - (DAYS + 1) * 24..=hour
    }
}

/// The variance of `sum - days * count`, where `sum` is of that many days and `squares` the sum of the squares: that of
/// independent records, or of the days' own spread if it is more, for the minute and for the mean that it is set against.
fn fall_variance(days: i128, sum: i128, squares: i128) -> i128 {
    let spread = (days * squares - sum.pow(2)) / (days - 1).max(1);
    (days + 1) * sum.max(spread)
}

fn put(hours: &mut BTreeMap<i64, HourCounts>, minute: i64, count: Option<u32>) {
    hours.entry(hour_of(minute)).or_insert([None; MINUTES])[in_hour(minute)] = count;
}

fn note(changed: &mut Vec<i64>, hour: i64) {
    if !changed.contains(&hour) {
        changed.push(hour);
    }
}

fn doubt(from: i64, last: i64) -> Doubt {
    let until = Timestamp::from_millis((last + 1) * MINUTE_MS - 1);
    Doubt { from: Timestamp::from_millis(from * MINUTE_MS), until, reason: DoubtReason::Volume }
}

const fn minute_of(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(MINUTE_MS)
}

const fn hour_of(minute: i64) -> i64 {
    minute.div_euclid(MINUTES as i64)
}

const fn in_hour(minute: i64) -> usize {
    minute.rem_euclid(MINUTES as i64) as usize
}
