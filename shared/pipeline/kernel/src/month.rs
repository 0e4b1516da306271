//! Calendar months in UTC, the period of quotas and spend.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// A calendar month in UTC, kept as `year * 12 + (month - 1)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Month(i32);

/// A text that is not of the form `YYYY-MM`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a month: write it as YYYY-MM, for example 2026-05")]
pub struct MonthError(pub String);

impl Month {
    /// The month that `instant` lies in.
    pub fn of(instant: Timestamp) -> Self {
        let date = DateTime::from_timestamp_millis(instant.as_millis()).unwrap_or_default();
        Month(date.year() * 12 + date.month0() as i32)
    }

    /// The month's number, for adapters that store it; the inverse of [`Month::from_number`].
    pub const fn number(self) -> i32 {
        self.0
    }

    pub const fn from_number(number: i32) -> Self {
        Month(number)
    }

    pub const fn next(self) -> Self {
        Month(self.0 + 1)
    }

    /// The month's first instant.
    pub fn start(self) -> Timestamp {
        let (year, month0) = (self.0.div_euclid(12), self.0.rem_euclid(12) as u32);
        let first = NaiveDate::from_ymd_opt(year, month0 + 1, 1).and_then(|day| day.and_hms_opt(0, 0, 0));
        Timestamp::from_millis(first.map_or(0, |first| first.and_utc().timestamp_millis()))
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0.div_euclid(12), self.0.rem_euclid(12) + 1)
    }
}

impl FromStr for Month {
    type Err = MonthError;

    fn from_str(text: &str) -> Result<Self, MonthError> {
        let error = || MonthError(text.chars().take(32).collect());
        let (year, month) = text.split_once('-').ok_or_else(error)?;
        let digits = |part: &str, len| part.len() == len && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(year, 4) || !digits(month, 2) {
            return Err(error());
        }
        let year: i32 = year.parse().map_err(|_| error())?;
        let month: i32 = month.parse().map_err(|_| error())?;
        (1..=12).contains(&month).then_some(Month(year * 12 + month - 1)).ok_or_else(error)
    }
}
