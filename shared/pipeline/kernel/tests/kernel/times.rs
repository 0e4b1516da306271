//! Timestamps and months.

use proptest::prelude::*;
use tidegate_kernel::{Month, Timestamp};

#[test]
fn rfc3339_is_read_to_the_millisecond() {
    for (text, shown) in [
        ("2026-05-15T14:32:01.123Z", "2026-05-15T14:32:01.123Z"),
        ("2026-05-15T14:32:01Z", "2026-05-15T14:32:01.000Z"),
        ("2026-05-15T14:32:01.12Z", "2026-05-15T14:32:01.120Z"),
        ("2026-05-15T16:32:01.123999999+02:00", "2026-05-15T14:32:01.123Z"),
        ("2026-05-14T23:59:59-05:30", "2026-05-15T05:29:59.000Z"),
        ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
        ("2024-02-29t00:00:00z", "2024-02-29T00:00:00.000Z"),
    ] {
        assert_eq!(Timestamp::parse(text).map(|at| at.to_string()), Ok(shown.to_owned()), "{text}");
    }
    for text in [
        "",
        "now",
        "2026-05-15",
        "2026-05-15 14:32:01Z",
        "2026-05-15T14:32:01",
        "2026-13-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-05-15T25:00:00Z",
        "1778855521123",
        "2026-05-15T14:32:01.Z",
        "9999-12-31T23:59:59-23:59",
        "+12026-05-15T14:32:01Z",
        "2026-05-15T14:32:01.1234567890123456789Z",
    ] {
        assert!(Timestamp::parse(text).is_err(), "{text}");
    }
}

#[test]
fn months_begin_and_end_in_utc() {
    let last = Timestamp::parse("2026-05-31T23:59:59.999Z").expect("an instant");
    let month = Month::of(last);
    assert_eq!(month.to_string(), "2026-05");
    assert_eq!(month.next().start().to_string(), "2026-06-01T00:00:00.000Z");
    assert_eq!(Month::of(last.plus_millis(1)), month.next());
    assert_eq!("2026-12".parse::<Month>().map(|month| month.next().to_string()), Ok("2027-01".to_owned()));
    for text in ["", "2026", "2026-00", "2026-13", "26-01", "2026-1", "2026-+1"] {
        assert!(text.parse::<Month>().is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn printing_and_reading_are_inverse(millis in -62_167_219_200_000i64..253_402_300_800_000) {
        let at = Timestamp::from_millis(millis);
        prop_assert_eq!(Timestamp::parse(&at.to_string()), Ok(at));
        let month = Month::of(at);
        prop_assert!(month.start() <= at && at < month.next().start());
    }
}

proptest! {
    /// The plain spelling is read and written by hand, other spellings by the library: both agree.
    #[test]
    fn the_plain_spelling_and_the_others_agree(millis in -70_000_000_000_000i64..260_000_000_000_000) {
        let instant = Timestamp::from_millis(millis);
        let shown = instant.to_string();
        prop_assert_eq!(Timestamp::parse(&shown), Timestamp::parse(&shown.replace('Z', "+00:00")));
        if let Ok(read) = Timestamp::parse(&shown) {
            prop_assert_eq!(read, instant);
        }
    }

    #[test]
    fn digits_anywhere_are_judged_as_the_library_does(text in "[0-2][0-9]{3}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]\\.[0-9]{3}Z") {
        prop_assert_eq!(Timestamp::parse(&text), Timestamp::parse(&text.replace('Z', "+00:00")), "{}", text);
    }
}
