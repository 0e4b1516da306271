//! A mail route's digest: how often, at which hour of which zone, and which period one is about. Pure.

use serde::{Deserialize, Deserializer, Serialize};
use tidegate_agentping_pulse::slots::fires_before;
use tidegate_agentping_pulse::{Cron, Zone};
use tidegate_kernel::{SmolStr, Timestamp};

/// How often a digest is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DigestEvery {
    /// At 08:00.
    Daily,
    /// On Monday at 08:00.
    Weekly,
}

/// A route's digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteDigest {
    pub every: DigestEvery,
    #[serde(deserialize_with = "zone_named")]
    pub timezone: Zone,
    /// Since when the route has asked for it and could be sent to: what ended until then is not sent.
    #[serde(rename = "since_ms")]
    pub since: Timestamp,
}

/// What a digest is about: after `from`, up to `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DigestSpan {
    pub from: Timestamp,
    pub to: Timestamp,
}

impl DigestEvery {
    pub const ALL: [DigestEvery; 2] = [DigestEvery::Daily, DigestEvery::Weekly];

    pub const fn as_str(self) -> &'static str {
        match self {
            DigestEvery::Daily => "daily",
            DigestEvery::Weekly => "weekly",
        }
    }

    /// The one with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|every| every.as_str() == name)
    }

    const fn cron(self) -> &'static str {
        match self {
            DigestEvery::Daily => "0 8 * * *",
            DigestEvery::Weekly => "0 8 * * 1",
        }
    }

    /// No period is shorter, in milliseconds: a day on which the clock goes forward has 23 hours.
    pub const fn shortest_ms(self) -> i64 {
        match self {
            DigestEvery::Daily => 23 * 3_600_000,
            DigestEvery::Weekly => (7 * 24 - 1) * 3_600_000,
        }
    }
}

impl RouteDigest {
    /// The last period that is over at `at`.
    pub fn last_span(&self, at: Timestamp) -> Option<DigestSpan> {
        let cron = Cron::parse(self.every.cron()).ok()?;
        let to = fires_before(&cron, &self.timezone, at.plus_millis(1))?;
        Some(DigestSpan { from: fires_before(&cron, &self.timezone, to)?, to })
    }

    /// The same digest of a route that can be sent to from `now` on.
    #[must_use]
    pub fn since(self, now: Timestamp) -> Self {
        RouteDigest { since: now, ..self }
    }
}

impl DigestSpan {
    pub fn has(&self, at: Timestamp) -> bool {
        self.from < at && at <= self.to
    }
}

/// A zone that the database of this build does not have is read as UTC, so that the route itself can be read.
fn zone_named<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zone, D::Error> {
    let name = SmolStr::deserialize(deserializer)?;
    Ok(Zone::parse(&name).unwrap_or(Zone::UTC))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(every: DigestEvery, zone: &str) -> RouteDigest {
        RouteDigest { every, timezone: Zone::parse(zone).unwrap(), since: Timestamp::FIRST }
    }

    fn span(every: DigestEvery, zone: &str, at: &str) -> [String; 2] {
        let DigestSpan { from, to } = digest(every, zone).last_span(Timestamp::parse(at).unwrap()).unwrap();
        [from, to].map(|at| at.to_string()[..16].to_owned())
    }

    #[test]
    fn a_period_ends_at_eight_in_its_zone() {
        use DigestEvery::{Daily, Weekly};
        for (every, zone, at, period) in [
            (Daily, "UTC", "2026-05-15T08:00:00Z", ["2026-05-14T08:00", "2026-05-15T08:00"]),
            (Daily, "UTC", "2026-05-15T07:59:59.999Z", ["2026-05-13T08:00", "2026-05-14T08:00"]),
            (Daily, "Europe/Berlin", "2026-05-15T06:00:00Z", ["2026-05-14T06:00", "2026-05-15T06:00"]),
            // The day on which the clock goes forward has 23 hours, and that on which it goes back 25.
            (Daily, "Europe/Berlin", "2026-03-29T07:00:00Z", ["2026-03-28T07:00", "2026-03-29T06:00"]),
            (Daily, "Europe/Berlin", "2026-10-25T07:00:00Z", ["2026-10-24T06:00", "2026-10-25T07:00"]),
            (Daily, "Asia/Kathmandu", "2026-05-15T03:00:00Z", ["2026-05-14T02:15", "2026-05-15T02:15"]),
            // 2026-05-18 is a Monday.
            (Weekly, "UTC", "2026-05-20T12:00:00Z", ["2026-05-11T08:00", "2026-05-18T08:00"]),
            (Weekly, "UTC", "2026-05-18T07:00:00Z", ["2026-05-04T08:00", "2026-05-11T08:00"]),
            (Weekly, "America/New_York", "2026-05-18T12:00:00Z", ["2026-05-11T12:00", "2026-05-18T12:00"]),
        ] {
            assert_eq!(span(every, zone, at), period, "{every:?} {zone} {at}");
        }
    }

    #[test]
    fn no_period_is_shorter_than_is_said_and_none_is_left_out() {
        for every in DigestEvery::ALL {
            for zone in ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"] {
                let digest = digest(every, zone);
                let mut at = Timestamp::parse("2027-06-01T00:00:00Z").unwrap();
                for _ in 0..60 {
                    let DigestSpan { from, to } = digest.last_span(at).unwrap();
                    assert!(to.as_millis() - from.as_millis() >= every.shortest_ms(), "{zone} {to}");
                    assert_eq!(digest.last_span(from).unwrap().to, from, "{zone}: periods have no gap");
                    at = from;
                }
            }
        }
    }

    #[test]
    fn it_is_read_as_it_was_written() {
        let written = serde_json::to_string(&digest(DigestEvery::Weekly, "Europe/Berlin")).unwrap();
        assert_eq!(
            written,
            format!(r#"{{"every":"weekly","timezone":"Europe/Berlin","since_ms":{}}}"#, Timestamp::FIRST.as_millis())
        );
        assert_eq!(
            serde_json::from_str::<RouteDigest>(&written).unwrap(),
            digest(DigestEvery::Weekly, "Europe/Berlin")
        );
        let unknown = r#"{"every":"daily","timezone":"Mars/Base","since_ms":1}"#;
        assert_eq!(serde_json::from_str::<RouteDigest>(unknown).unwrap().timezone, Zone::UTC);
    }
}
