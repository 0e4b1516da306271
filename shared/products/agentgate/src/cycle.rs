//! Billing cycles: monthly, from the instant that the organization was made.

use tidegate_kernel::{Month, Timestamp};

const DAY_MS: i64 = 86_400_000;

/// When the cycle of `month` begins: at the organization's day of the month, or the last one of a shorter month, and its
/// time of day.
fn start_in(created_at: Timestamp, month: Month) -> Timestamp {
    let into_month = created_at.as_millis() - Month::of(created_at).start().as_millis();
    let days = (month.next().start().as_millis() - month.start().as_millis()) / DAY_MS;
    let day = (into_month / DAY_MS).min(days - 1);
    month.start().plus_millis(day * DAY_MS + into_month % DAY_MS)
}

/// When the cycle began that `now` lies in; never before the organization was made.
pub(crate) fn latest_start(created_at: Timestamp, now: Timestamp) -> Timestamp {
    let month = Month::of(now);
    let start = start_in(created_at, month);
    let begun = if start <= now { start } else { start_in(created_at, Month::from_number(month.number() - 1)) };
    begun.max(created_at)
}

/// When the cycle ends that began at `started_at`.
pub(crate) fn end(created_at: Timestamp, started_at: Timestamp) -> Timestamp {
    start_in(created_at, Month::of(started_at).next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_cycle_begins_on_the_organizations_day_or_the_last_of_a_shorter_month() {
        let created = at("2026-01-31T10:00:00Z");
        for (now, start, end_at) in [
            ("2026-01-31T10:00:00Z", "2026-01-31T10:00:00Z", "2026-02-28T10:00:00Z"),
            ("2026-02-28T09:59:59.999Z", "2026-01-31T10:00:00Z", "2026-02-28T10:00:00Z"),
            ("2026-02-28T10:00:00Z", "2026-02-28T10:00:00Z", "2026-03-31T10:00:00Z"),
            ("2026-12-31T23:00:00Z", "2026-12-31T10:00:00Z", "2027-01-31T10:00:00Z"),
            ("2028-02-29T12:00:00Z", "2028-02-29T10:00:00Z", "2028-03-31T10:00:00Z"),
        ] {
            assert_eq!(latest_start(created, at(now)), at(start), "{now}");
            assert_eq!(end(created, at(start)), at(end_at), "{start}");
        }
    }

    #[test]
    fn no_cycle_begins_before_the_organization() {
        let created = at("2026-01-15T00:00:00Z");
        assert_eq!(latest_start(created, at("2026-01-01T00:00:00Z")), created);
    }
}
