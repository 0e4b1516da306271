//! What is an expression and what is not.

use proptest::prelude::*;
use tidegate_agentping_pulse::{Cron, CronFault};

use crate::samples::*;

const GOOD: &[&str] = &[
    "* * * * *",
    "0 2 * * *",
    "  0 2 * * *\t",
    "*/5 0-6,18-23/2 1,15 JAN-mar MON-Fri",
    "59 23 31 12 7",
    "0 0 29 2 *",
    "0 0 * * sat-sun",
    "0 0 * * 5-7",
    "0 0 30 2 1",
    "@hourly",
    "@daily",
    "@weekly",
    "@monthly",
];

#[test]
fn expressions_of_five_fields_and_four_words_are_read() {
    for text in GOOD {
        assert!(Cron::parse(text).is_ok(), "{text}: {:?}", Cron::parse(text));
    }
    for (word, meaning) in
        [("@hourly", "0 * * * *"), ("@daily", "0 0 * * *"), ("@weekly", "0 0 * * 0"), ("@monthly", "0 0 1 * *")]
    {
        assert_eq!(cron(word), cron(meaning));
    }
    assert_eq!(cron("0 0 * * 7"), cron("0 0 * * SUN"));
    assert_eq!(cron("0 0 * * fri-sun"), cron("0 0 * * 0,5,6"));
}

/// AC-17: seconds and years are no fields.
#[test]
fn ac_17_other_counts_of_fields_are_refused_with_their_number() {
    for (text, count) in [("", 0), ("0", 1), ("0 2 * *", 4), ("0 0 2 * * *", 6), ("0 0 2 * * * 2027", 7)] {
        assert_eq!(Cron::parse(text), Err(CronFault::FieldCount(count)), "{text}");
    }
    for word in ["@yearly", "@annually", "@reboot", "@every 5m", "@midnight", "@Daily", "@"] {
        assert_eq!(Cron::parse(word), Err(CronFault::UnknownWord), "{word}");
    }
    let long = format!("0{} 2 * * *", ",0".repeat(200));
    assert_eq!(Cron::parse(&long), Err(CronFault::TooLong));
}

#[test]
fn a_field_that_cannot_be_read_is_named() {
    for (text, named) in [
        ("60 * * * *", "minute"),
        ("-1 * * * *", "minute"),
        ("1.5 * * * *", "minute"),
        ("*/0 * * * *", "minute"),
        ("*/ * * * *", "minute"),
        ("5/10 * * * *", "minute"),
        ("1,,2 * * * *", "minute"),
        ("1, * * * *", "minute"),
        ("0007 * * * *", "minute"),
        ("x * * * *", "minute"),
        ("* 24 * * *", "hour"),
        ("* 5-2 * * *", "hour"),
        ("* 1-2-3 * * *", "hour"),
        ("* * 0 * *", "day of month"),
        ("* * 32 * *", "day of month"),
        ("* * L * *", "day of month"),
        ("* * 15W * *", "day of month"),
        ("* * ? * *", "day of month"),
        ("* * 1JAN * *", "day of month"),
        ("* * * 13 *", "month"),
        ("* * * MON *", "month"),
        ("* * * 1FEB *", "month"),
        ("* * * * 8", "day of week"),
        ("* * * * JAN", "day of week"),
        ("* * * * MON#2", "day of week"),
        ("* * * * 5L", "day of week"),
        ("* * * * +1", "day of week"),
        ("* * * * ?", "day of week"),
        ("* * * * 1MON", "day of week"),
        ("* * * * SUNMON", "day of week"),
    ] {
        match Cron::parse(text) {
            Err(CronFault::Field { field, .. }) => assert_eq!(field, named, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
    let fault = Cron::parse("61 * * * *").unwrap_err();
    assert!(
        fault.to_string().starts_with("has a minute that cannot be read: write numbers from 0 to 59, *,"),
        "{fault}"
    );
}

#[test]
fn what_never_fires_is_refused_at_once() {
    for text in ["0 0 30 2 *", "0 0 31 2,4,6,9,11 *", "0 0 31 2 */2", "* * 30,31 FEB *"] {
        assert_eq!(Cron::parse(text), Err(CronFault::NeverFires), "{text}");
    }
}

/// As in Vixie cron: with a `*` at the beginning of either field of days, both must match; otherwise one is enough.
#[test]
fn days_of_month_and_week_combine_as_cron_combines_them() {
    let march = |text| between(&in_zone(text, "UTC"), "2027-03-01T00:00:00Z", "2027-03-31T23:59:00Z");
    let days = |text| march(text).iter().map(|at| at[8..10].parse().unwrap()).collect::<Vec<u8>>();
    assert_eq!(days("0 0 13 * 5"), [5, 12, 13, 19, 26]);
    assert_eq!(days("0 0 */10 * 1"), [1]);
    assert_eq!(days("0 0 1-7 * */7"), [7]);
    assert_eq!(days("0 0 13 * *"), [13]);
    assert_eq!(days("0 0 * * 5"), [5, 12, 19, 26]);
}

#[test]
fn rare_days_are_found() {
    let slots = |text| between(&in_zone(text, "UTC"), "2027-01-01T00:00:00Z", "2110-01-01T00:00:00Z");
    assert_eq!(slots("0 0 29 2 *")[..2], ["2028-02-29T00:00Z", "2032-02-29T00:00Z"]);
    assert!(slots("0 0 29 2 *").windows(2).any(|two| two == ["2096-02-29T00:00Z", "2104-02-29T00:00Z"]));
    // A leap day on a Sunday: every 28 years, and 40 around 2100.
    let sundays = slots("0 0 29 2 */7");
    assert_eq!(sundays, ["2032-02-29T00:00Z", "2060-02-29T00:00Z", "2088-02-29T00:00Z"]);
    let next = in_zone("0 0 29 2 */7", "UTC").slot_after(at("2088-02-29T00:00:00Z")).unwrap();
    assert_eq!(next.at, at("2128-02-29T00:00:00Z"));
}

proptest! {
    /// Whatever a text is, it is read or refused in few words, and its slots are found in few steps.
    #[test]
    fn any_text_is_read_or_refused(text in "[-0-9*/,@LW#?+A-Za-z ]{0,40}|\\PC{0,60}") {
        match Cron::parse(&text) {
            Ok(cron) => {
                let start = at("2026-01-01T00:00:00Z");
                let (first, _) = tidegate_agentping_pulse::slots::fires_after(&cron, &zone("Europe/Berlin"), start).unwrap();
                prop_assert!(first > start);
            }
            Err(fault) => prop_assert!(fault.to_string().len() < 250),
        }
    }
}
