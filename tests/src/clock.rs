//! The tests' own clock: a black-box client has a clock of its own, like any agent.

use std::time::UNIX_EPOCH;

use chrono::{DateTime, SecondsFormat, Utc};

pub const SECOND_MS: i64 = 1_000;
pub const MINUTE_MS: i64 = 60 * SECOND_MS;
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// Milliseconds since 1970.
pub fn now_ms() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "the clients under test have a wall clock")]
    let now = std::time::SystemTime::now();
    let since = now.duration_since(UNIX_EPOCH).expect("the clock is past 1970");
    i64::try_from(since.as_millis()).expect("milliseconds fit 63 bits")
}

/// ISO 8601, UTC, milliseconds, `Z`: the wire form.
pub fn iso(at_ms: i64) -> String {
    instant(at_ms).to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The same to the second, as the quota message has it.
pub fn iso_seconds(at_ms: i64) -> String {
    instant(at_ms).to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Reads a wire timestamp, strictly in the form that the service must write: 24 characters, milliseconds, `Z`.
#[track_caller]
pub fn read_iso(text: &str) -> i64 {
    let instant = DateTime::parse_from_rfc3339(text).unwrap_or_else(|error| panic!("'{text}' is no instant: {error}"));
    let at_ms = instant.timestamp_millis();
    assert_eq!(text, iso(at_ms), "timestamps are written as UTC with milliseconds and 'Z'");
    at_ms
}

/// The first instant of the UTC month after the one that `at_ms` lies in.
pub fn next_month_ms(at_ms: i64) -> i64 {
    use chrono::{Datelike, TimeZone};
    let at = instant(at_ms);
    let (year, month) = if at.month() == 12 { (at.year() + 1, 1) } else { (at.year(), at.month() + 1) };
    Utc.with_ymd_and_hms(year, month, 1, 0, 0, 0)
        .single()
        .expect("the first of a month is an instant")
        .timestamp_millis()
}

/// `YYYY-MM` of the UTC month that `at_ms` lies in.
pub fn month(at_ms: i64) -> String {
    iso(at_ms)[..7].to_owned()
}

fn instant(at_ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at_ms).expect("tests stay within the years that have four digits")
}
