//! Time zones of the IANA database, which is part of the program: every judge has the same one.

use std::fmt;

use jiff::Timestamp as Instant;
use jiff::tz::{Offset, TimeZone};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use tidegate_kernel::Timestamp;

/// A time zone with a name. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// A name that the database does not have. The text completes "Field 'timezone' ".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a time zone of the IANA database, such as UTC or Europe/Berlin")]
pub struct ZoneFault;

/// A stretch of time with one offset. Times are seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// Seconds that the wall clock is ahead of UTC.
    pub offset: i64,
    /// Its first second, and the offset before; `None` where it has always been so.
    pub from: Option<(i64, i64)>,
    /// The second after its last one; `None` where it stays so.
    pub until: Option<i64>,
}

impl Zone {
    pub const UTC: Zone = Zone(TimeZone::UTC);
    const MAX_BYTES: usize = 64;

    /// Finds a zone by its name, whatever its case.
    ///
    /// # Errors
    /// [`ZoneFault`]: there is no such name.
    pub fn parse(name: &str) -> Result<Self, ZoneFault> {
        if name.len() > Self::MAX_BYTES {
            return Err(ZoneFault);
        }
        let zone = TimeZone::get(name).map_err(|_| ZoneFault)?;
        if zone.is_unknown() || zone.iana_name().is_none() { Err(ZoneFault) } else { Ok(Zone(zone)) }
    }

    /// The name as the database spells it.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The stretch that this second lies in; `None` outside the calendar.
    pub(crate) fn stretch(&self, second: i64) -> Option<Stretch> {
        let at = Instant::from_second(second).ok()?;
        let offset_at = |at: Instant| i64::from(self.0.to_offset(at).seconds());
        let offset = offset_at(at);
        let until = self.0.following(at).next().map(|change| change.timestamp().as_second());
        let begun = match Instant::from_second(second + 1) {
            Ok(next) => self.0.preceding(next).next(),
            Err(_) => None,
        };
        let from = begun.and_then(|change| {
            let first = change.timestamp();
            let before = Instant::from_second(first.as_second() - 1).ok()?;
            Some((first.as_second(), offset_at(before)))
        });
        Some(Stretch { offset, from, until })
    }

    /// `2026-03-29T03:00:00+02:00`: the wall clock's time with its offset, in whole seconds.
    pub fn local(&self, at: Timestamp) -> String {
        let Ok(instant) = Instant::from_second(at.as_millis().div_euclid(1_000)) else { return at.to_string() };
        let offset: Offset = self.0.to_offset(instant);
        let seconds = offset.seconds();
        let sign = if seconds < 0 { '-' } else { '+' };
        let minutes = seconds.abs() / 60;
        format!("{}{sign}{:02}:{:02}", offset.to_datetime(instant), minutes / 60, minutes % 60)
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Zone::parse(&name).map_err(de::Error::custom)
    }
}
