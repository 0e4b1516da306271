//! Instants at millisecond precision, the precision of the wire contract.

use std::fmt;

use chrono::{DateTime, Datelike, SecondsFormat};
use serde::{Deserialize, Serialize};

mod plain;

/// Milliseconds since 1970-01-01T00:00:00Z. In records it is that integer; on the wire it is text (see [`iso`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// A text that is no RFC 3339 instant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an RFC 3339 timestamp such as 2026-05-15T14:32:01.123Z")]
pub struct TimestampError;

impl Timestamp {
    /// 0000-01-01T00:00:00.000Z: the earliest accepted instant.
    pub const FIRST: Timestamp = Timestamp(-62_167_219_200_000);
    /// 9999-12-31T23:59:59.999Z: the latest accepted instant.
    pub const LAST: Timestamp = Timestamp(253_402_300_799_999);

    pub const fn from_millis(millis: i64) -> Self {
        Timestamp(millis)
    }

    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Parses RFC 3339 with `Z` or an offset and up to nanoseconds; digits below a millisecond are cut off.
    ///
    /// # Errors
    /// [`TimestampError`] for any other text, and for instants outside the years 0000 to 9999.
    pub fn parse(text: &str) -> Result<Self, TimestampError> {
        if let Some(instant) = plain::read(text) {
            return Ok(instant);
        }
        // chrono also accepts a space instead of the `T`, and more digits than nanoseconds have.
        if text.len() > 35 || !matches!(text.as_bytes().get(10), Some(b'T' | b't')) {
            return Err(TimestampError);
        }
        let instant = DateTime::parse_from_rfc3339(text).map_err(|_| TimestampError)?.to_utc();
        if !(0..=9999).contains(&instant.year()) {
            return Err(TimestampError);
        }
        Ok(Timestamp(instant.timestamp_millis()))
    }

    /// This instant moved by `millis`, saturating.
    pub const fn plus_millis(self, millis: i64) -> Self {
        Timestamp(self.0.saturating_add(millis))
    }

    /// Milliseconds from `start` to this; `None` where this is before it.
    pub fn millis_from(self, start: Timestamp) -> Option<u64> {
        u64::try_from(self.0.saturating_sub(start.0)).ok()
    }

    /// Milliseconds from `earlier` to this, never below 0.
    pub fn millis_since(self, earlier: Timestamp) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }
}

/// ISO 8601, UTC, millisecond precision, `Z` suffix.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = plain::write(*self) {
            // Digits and marks are ASCII.
            return f.write_str(std::str::from_utf8(&text).unwrap_or_default());
        }
        match DateTime::from_timestamp_millis(self.0) {
            Some(instant) => f.write_str(&instant.to_rfc3339_opts(SecondsFormat::Millis, true)),
            None => write!(f, "{}ms", self.0),
        }
    }
}

/// `#[serde(with = "iso")]`: the wire form, text.
pub mod iso {
    use serde::{Deserialize, Deserializer, Serializer, de};

    use super::{Timestamp, plain};

    pub fn serialize<S: Serializer>(instant: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        match plain::write(*instant) {
            // Digits and marks are ASCII.
            Some(text) => serializer.serialize_str(std::str::from_utf8(&text).unwrap_or_default()),
            None => serializer.collect_str(instant),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        Timestamp::parse(&text).map_err(de::Error::custom)
    }
}

/// `#[serde(with = "iso_option")]`: the same for an optional instant (pair it with `skip_serializing_if`).
pub mod iso_option {
    use serde::{Deserialize, Deserializer, Serializer, de};

    use super::Timestamp;

    pub fn serialize<S: Serializer>(instant: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        match instant {
            Some(instant) => super::iso::serialize(instant, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
        Option::<String>::deserialize(deserializer)?
            .map(|text| Timestamp::parse(&text).map_err(de::Error::custom))
            .transpose()
    }
}
