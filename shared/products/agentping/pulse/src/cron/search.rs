//! The nearest matching minute of a wall clock, in either direction. A wall clock's time is in seconds since
//! 1970-01-01T00:00, whatever the zone.

use jiff::Timestamp as Instant;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;

use super::Cron;

/// A leap day on a given weekday is at most 40 years away.
const MAX_YEARS: i16 = 41;

impl Cron {
    /// The first matching time at or after `from`; `None` where the calendar ends.
    pub(crate) fn first_wall(&self, from: i64) -> Option<i64> {
        let from = from.checked_add(59)?.div_euclid(60) * 60;
        let at = civil(from)?;
        let date = at.date();
        if self.has_day(date)
            && let Some((hour, minute)) = self.first_time(at.hour(), at.minute())
        {
            return wall(date, hour, minute);
        }
        let (hour, minute) = self.first_time(0, 0)?;
        wall(self.next_day(date)?, hour, minute)
    }

    /// The last matching time at or before `to`; `None` where the calendar begins.
    pub(crate) fn last_wall(&self, to: i64) -> Option<i64> {
        let at = civil(to)?;
        let date = at.date();
        if self.has_day(date)
            && let Some((hour, minute)) = self.last_time(at.hour(), at.minute())
        {
            return wall(date, hour, minute);
        }
        let (hour, minute) = self.last_time(23, 59)?;
        wall(self.previous_day(date)?, hour, minute)
    }

    fn first_time(&self, hour: i8, minute: i8) -> Option<(i8, i8)> {
        let in_hour = lowest(self.minutes, minute);
        let this_hour = (self.hours & (1 << hour) != 0).then_some(hour).zip(in_hour);
        this_hour.or_else(|| lowest(u64::from(self.hours), hour + 1).zip(lowest(self.minutes, 0)))
    }

    fn last_time(&self, hour: i8, minute: i8) -> Option<(i8, i8)> {
        let in_hour = highest(self.minutes, minute);
        let this_hour = (self.hours & (1 << hour) != 0).then_some(hour).zip(in_hour);
        this_hour.or_else(|| highest(u64::from(self.hours), hour - 1).zip(highest(self.minutes, 59)))
    }

    fn next_day(&self, after: Date) -> Option<Date> {
        let mut date = after.tomorrow().ok()?;
        while date.year() - after.year() <= MAX_YEARS {
            if !self.has_month(date) {
                date = date.last_of_month().tomorrow().ok()?;
            } else if self.has_day(date) {
                return Some(date);
            } else {
                date = date.tomorrow().ok()?;
            }
        }
        None
    }

    fn previous_day(&self, before: Date) -> Option<Date> {
        let mut date = before.yesterday().ok()?;
        while before.year() - date.year() <= MAX_YEARS {
            if !self.has_month(date) {
                date = date.first_of_month().yesterday().ok()?;
            } else if self.has_day(date) {
                return Some(date);
            } else {
                date = date.yesterday().ok()?;
            }
        }
        None
    }
}

/// The lowest set bit at or above `from`.
fn lowest(bits: u64, from: i8) -> Option<i8> {
    let above = bits & u64::MAX.checked_shl(u32::try_from(from).ok()?)?;
    (above != 0).then(|| above.trailing_zeros() as i8)
}

/// The highest set bit at or below `to`.
fn highest(bits: u64, to: i8) -> Option<i8> {
    let below = bits & (u64::MAX >> (63 - u32::try_from(to).ok()?));
    (below != 0).then(|| 63 - below.leading_zeros() as i8)
}

fn civil(wall: i64) -> Option<DateTime> {
    Some(Offset::UTC.to_datetime(Instant::from_second(wall).ok()?))
}

fn wall(date: Date, hour: i8, minute: i8) -> Option<i64> {
    Some(Offset::UTC.to_timestamp(date.at(hour, minute, 0, 0)).ok()?.as_second())
}
