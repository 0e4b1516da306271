//! Dates of queries: an instant, or a whole day.

use tidegate_kernel::Timestamp;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// The first instant of what `text` names.
pub(super) fn start(text: &str) -> Option<Timestamp> {
    day(text).or_else(|| Timestamp::parse(text).ok())
}

/// The first instant after what `text` names: a day counts whole, an instant is included.
pub(super) fn end(text: &str) -> Option<Timestamp> {
    let after_day = day(text).map(|day| day.plus_millis(DAY_MS));
    after_day.or_else(|| Timestamp::parse(text).ok().map(|instant| instant.plus_millis(1)))
}

fn day(text: &str) -> Option<Timestamp> {
    (text.len() == 10).then(|| Timestamp::parse(&format!("{text}T00:00:00Z")).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_its_first_instant_and_ends_with_its_last() {
        let at = |text| Timestamp::parse(text).ok();
        assert_eq!(start("2026-02-03"), at("2026-02-03T00:00:00Z"));
        assert_eq!(end("2026-02-28"), at("2026-03-01T00:00:00Z"));
        assert_eq!(start("2026-02-03T10:00:00+01:00"), at("2026-02-03T09:00:00Z"));
        assert_eq!(end("2026-02-03T10:00:00Z"), at("2026-02-03T10:00:00.001Z"));
        for wrong in ["", "2026", "2026-02-30", "03/02/2026", "2026-02-03T10:00", "yesterday"] {
            assert_eq!((start(wrong), end(wrong)), (None, None), "{wrong}");
        }
    }
}
