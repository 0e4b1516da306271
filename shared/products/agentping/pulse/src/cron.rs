//! Cron expressions of five fields, and the wall-clock minutes that they name.

use std::fmt;

use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::Date;

mod field;
mod search;

/// The longest accepted expression in bytes.
pub const MAX_BYTES: usize = 256;

/// The four words that stand for an expression.
const WORDS: [(&str, &str); 4] =
    [("@hourly", "0 * * * *"), ("@daily", "0 0 * * *"), ("@weekly", "0 0 * * 0"), ("@monthly", "0 0 1 * *")];

/// The fields in their order.
const FIELDS: [&str; 5] = ["minute", "hour", "day of month", "month", "day of week"];

/// A parsed expression: one bit for each value of each field. 32 bytes, and `Copy`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Cron {
    minutes: u64,
    hours: u32,
    days: u32,
    months: u16,
    /// Bit 0 is Sunday.
    weekdays: u8,
    /// A day must match both of its fields. So it is if one of them begins with `*`; otherwise one match is enough (as in
    /// Vixie cron).
    both_days: bool,
    any_hour: bool,
}

/// Why a text is no expression. The text completes "Field 'cron' ".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CronFault {
    #[error("must be at most {MAX_BYTES} bytes")]
    TooLong,
    #[error("must have 5 fields (minute, hour, day of month, month, day of week); it has {0}")]
    FieldCount(usize),
    #[error("must be five fields, @hourly, @daily, @weekly or @monthly")]
    UnknownWord,
    #[error(
        "has a {field} that cannot be read: write numbers from {least} to {most}{names}, *, lists, ranges, and steps such as */5"
    )]
    Field { field: &'static str, least: u8, most: u8, names: &'static str },
    #[error("names a day that no year has, so that it never fires")]
    NeverFires,
}

impl Cron {
    /// Parses five fields, or one of the four words. Blanks at the ends are passed over.
    ///
    /// # Errors
    /// [`CronFault`]: what is wrong, and with which field.
    pub fn parse(text: &str) -> Result<Self, CronFault> {
        if text.len() > MAX_BYTES {
            return Err(CronFault::TooLong);
        }
        let text = text.trim();
        let text = match WORDS.iter().find(|(word, _)| *word == text) {
            Some((_, meaning)) => meaning,
            None if text.starts_with('@') => return Err(CronFault::UnknownWord),
            None => text,
        };
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let fields: [&str; 5] = fields.try_into().map_err(|fields: Vec<&str>| CronFault::FieldCount(fields.len()))?;
        for (at, field) in fields.iter().enumerate() {
            field::check(at, field)?;
        }
        // The library reads more than we take (seconds, years, `L`, `W`, `#`); the check above has refused all of that.
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let pattern = parser.parse(&fields.join(" ")).map_err(|_| field::first_unreadable(&parser, fields))?.pattern;
        let cron = Cron {
            minutes: field::bits(&pattern.minutes),
            hours: field::bits(&pattern.hours) as u32,
            days: field::bits(&pattern.days) as u32,
            months: field::bits(&pattern.months) as u16,
            weekdays: field::bits(&pattern.days_of_week) as u8,
            both_days: fields[2].starts_with('*') || fields[4].starts_with('*'),
            any_hour: fields[1].starts_with('*'),
        };
        if cron.ever_fires() { Ok(cron) } else { Err(CronFault::NeverFires) }
    }

    /// Whether the hours begin with `*`: then the hour that a clock repeats has its slots twice, and one that it leaves out
    /// has none.
    pub const fn has_any_hour(&self) -> bool {
        self.any_hour
    }

    /// Without a bound on weekdays, some month must have one of the days. With both, every leap day's weekday occurs
    /// within 400 years.
    fn ever_fires(&self) -> bool {
        const LONGEST: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let in_month = |(index, longest): (usize, &u32)| {
            let days_to = |last: u32| ((1u64 << (last + 1)) - 2) as u32;
            self.months & (2 << index) != 0 && self.days & days_to(*longest) != 0
        };
        !self.both_days || LONGEST.iter().enumerate().any(in_month)
    }

    fn has_day(&self, date: Date) -> bool {
        let day = self.days & (1 << date.day()) != 0;
        let weekday = self.weekdays & (1 << date.weekday().to_sunday_zero_offset()) != 0;
        let either = if self.both_days { day && weekday } else { day || weekday };
        self.has_month(date) && either
    }

    fn has_month(&self, date: Date) -> bool {
        self.months & (1 << date.month()) != 0
    }
}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cron { minutes, hours, days, months, weekdays, both_days, any_hour } = self;
        write!(f, "Cron({minutes:x} {hours:x} {days:x} {months:x} {weekdays:x} {both_days} {any_hour})")
    }
}
