//! Fast parser and printer of `2026-05-15T14:32:01.123Z`, the form of all responses and of nearly all requests. chrono
//! parses every other form.

use super::Timestamp;

const MS_PER_DAY: i64 = 86_400_000;
const CHARS: usize = 24;

/// Parses the form; `None` for another form, or for a text that is no instant.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    let text: &[u8; CHARS] = text.as_bytes().try_into().ok()?;
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'.'), (23, b'Z')];
    if marks.iter().any(|(at, mark)| text[*at] != *mark) {
        return None;
    }
    let number = |from: usize, until: usize| {
        text[from..until].iter().try_fold(0i64, |number, byte| {
            let digit = byte.wrapping_sub(b'0');
            (digit < 10).then_some(number * 10 + i64::from(digit))
        })
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second, milli) = (number(11, 13)?, number(14, 16)?, number(17, 19)?, number(20, 23)?);
    // chrono handles leap seconds.
    if !(1..=12).contains(&month) || day < 1 || day > days_of(year, month) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let in_day = ((hour * 60 + minute) * 60 + second) * 1_000 + milli;
    Some(Timestamp::from_millis(day_number(year, month, day) * MS_PER_DAY + in_day))
}

/// Prints the form; `None` outside the years 0000 to 9999.
pub(super) fn write(instant: Timestamp) -> Option<[u8; CHARS]> {
    let (days, in_day) = (instant.as_millis().div_euclid(MS_PER_DAY), instant.as_millis().rem_euclid(MS_PER_DAY));
    let (year, month, day) = date_of(days);
    if !(0..=9_999).contains(&year) {
        return None;
    }
    let mut text = *b"0000-00-00T00:00:00.000Z";
    let mut put = |from: usize, until: usize, number: i64| {
        let mut rest = number;
        for at in (from..until).rev() {
            // One digit always fits.
            text[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
    };
    put(0, 4, year);
    put(5, 7, month);
    put(8, 10, day);
    put(11, 13, in_day / 3_600_000);
    put(14, 16, in_day / 60_000 % 60);
    put(17, 19, in_day / 1_000 % 60);
    put(20, 23, in_day % 1_000);
    Some(text)
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + is_leap(year) as i64,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

const DAYS_PER_ERA: i64 = 146_097;
const YEARS_PER_ERA: i64 = 400;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH_DAY: i64 = 719_468;

/// Days since 1970-01-01 of a day of the Gregorian calendar. Years are counted from March, so that the leap day is
/// their last, and in eras of 400, after which the calendar repeats.
const fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(YEARS_PER_ERA), year.rem_euclid(YEARS_PER_ERA));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * DAYS_PER_ERA + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - EPOCH_DAY
}

/// The inverse: year, month, day.
const fn date_of(day_number: i64) -> (i64, i64, i64) {
    let days = day_number + EPOCH_DAY;
    let (era, of_era) = (days.div_euclid(DAYS_PER_ERA), days.rem_euclid(DAYS_PER_ERA));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (year * 365 + year / 4 - year / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * YEARS_PER_ERA + year + (month <= 2) as i64;
    (year, month, day)
}
