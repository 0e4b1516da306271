//! Times: relative ones for the eye, each with the exact one.

use maud::{Markup, html};
use tidegate_kernel::Timestamp;

const SECOND_MS: u64 = 1_000;
const MINUTE_MS: u64 = 60 * SECOND_MS;
const HOUR_MS: u64 = 60 * MINUTE_MS;
pub(crate) const DAY_MS: u64 = 24 * HOUR_MS;

/// How long ago an instant was, or in how long it will be.
pub fn ago(at: Timestamp, now: Timestamp) -> Markup {
    let text = match (now.millis_from(at), at.millis_from(now)) {
        (Some(past), _) if past < SECOND_MS => "now".to_owned(),
        (Some(past), _) => format!("{} ago", rough(past)),
        (None, ahead) => format!("in {}", rough(ahead.unwrap_or_default())),
    };
    html! { time datetime=(at) title=(exact(at)) { (text) } }
}

/// An instant as it is, to the second.
pub(crate) fn exact(at: Timestamp) -> String {
    let text = at.to_string();
    match text.get(..19) {
        Some(seconds) => format!("{} UTC", seconds.replace('T', " ")),
        None => text,
    }
}

/// An instant to the minute.
pub(crate) fn minute(at: Timestamp) -> String {
    let text = at.to_string();
    match text.get(..16) {
        Some(minutes) => format!("{} UTC", minutes.replace('T', " ")),
        None => text,
    }
}

/// The time of day of an instant: `12:00:00.250`.
pub(crate) fn clock(at: Timestamp) -> String {
    let text = at.to_string();
    text.get(11..23).unwrap_or(&text).to_owned()
}

/// The exact instant, marked as one.
pub fn stamped(at: Timestamp) -> Markup {
    html! { time datetime=(at) title=(at) { (exact(at)) } }
}

/// The midnight, UTC, before an instant.
pub(crate) fn midnight(now: Timestamp) -> Timestamp {
    let day = i64::try_from(DAY_MS).unwrap_or(i64::MAX);
    Timestamp::from_millis(now.as_millis().div_euclid(day) * day)
}

/// A span in its largest unit.
fn rough(ms: u64) -> String {
    match () {
        () if ms < MINUTE_MS => format!("{} s", (ms / SECOND_MS).max(1)),
        () if ms < HOUR_MS => format!("{} min", ms / MINUTE_MS),
        () if ms < DAY_MS => format!("{} h", ms / HOUR_MS),
        () => format!("{} d", ms / DAY_MS),
    }
}

/// A duration, in two units at most.
pub fn span(ms: u64) -> String {
    match () {
        () if ms < SECOND_MS => format!("{ms} ms"),
        () if ms < MINUTE_MS => format!("{}.{} s", ms / SECOND_MS, ms % SECOND_MS / 100),
        () if ms < HOUR_MS => format!("{} min {:02} s", ms / MINUTE_MS, ms % MINUTE_MS / SECOND_MS),
        () if ms < DAY_MS => format!("{} h {:02} min", ms / HOUR_MS, ms % HOUR_MS / MINUTE_MS),
        () => format!("{} d {:02} h", ms / DAY_MS, ms % DAY_MS / HOUR_MS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_778_846_400_000);

    fn shown(ms: i64) -> String {
        ago(NOW.plus_millis(ms), NOW).into_string()
    }

    #[test]
    fn a_time_is_relative_and_exact() {
        assert_eq!(
            shown(-90_000),
            r#"<time datetime="2026-05-15T11:58:30.000Z" title="2026-05-15 11:58:30 UTC">1 min ago</time>"#
        );
        for (ms, text) in [
            (0, ">now<"),
            (-999, ">now<"),
            (-59_999, ">59 s ago<"),
            (-3_600_000, ">1 h ago<"),
            (-172_800_000, ">2 d ago<"),
            (5_000, ">in 5 s<"),
        ] {
            assert!(shown(ms).contains(text), "{ms}: {}", shown(ms));
        }
    }

    #[test]
    fn a_span_has_two_units_at_most() {
        for (ms, text) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_250, "1.2 s"),
            (61_000, "1 min 01 s"),
            (3_660_000, "1 h 01 min"),
            (90_000_000, "1 d 01 h"),
        ] {
            assert_eq!(span(ms), text);
        }
    }

    #[test]
    fn an_instant_is_written_to_the_second_or_the_minute() {
        assert_eq!(exact(NOW), "2026-05-15 12:00:00 UTC");
        assert_eq!(clock(NOW.plus_millis(250)), "12:00:00.250");
        assert_eq!(minute(NOW.plus_millis(59_999)), "2026-05-15 12:00 UTC");
    }

    #[test]
    fn a_day_begins_at_midnight() {
        assert_eq!(midnight(NOW).to_string(), "2026-05-15T00:00:00.000Z");
        assert_eq!(midnight(Timestamp::from_millis(-1)).to_string(), "1969-12-31T00:00:00.000Z");
    }
}
