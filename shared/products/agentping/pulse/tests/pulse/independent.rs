//! Slots against another implementation with another time zone database.

use chrono::{DateTime, TimeZone};
use chrono_tz::Tz;
use croner::Cron as Other;
use proptest::prelude::*;
use tidegate_agentping_pulse::slots::fires_after;
use tidegate_kernel::Timestamp;

use crate::samples::*;
use crate::windows::expressions;

const ZONES: [&str; 4] = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"];
const FROM: &str = "2024-01-01T00:00:00Z";
const TO: &str = "2034-01-01T00:00:00Z";

fn others_next(other: &Other, zone: Tz, after: Timestamp) -> Timestamp {
    let after = zone.from_utc_datetime(&DateTime::from_timestamp_millis(after.as_millis()).unwrap().naive_utc());
    Timestamp::from_millis(other.find_next_occurrence(&after, false).unwrap().timestamp_millis())
}

/// One minute and one hour, where both agree on what a change of the clock does; and any hour.
#[test]
fn ten_years_of_four_zones_agree() {
    let expressions =
        ["30 2 * * *", "15 1 * * 0", "0 0 1 * *", "45 23 * 3,10,11 *", "5 3 29 2 *", "20 * 5 * *", "0 12 13 * 5"];
    for name in ZONES {
        for text in expressions {
            let (cron, other) = (cron(text), text.parse::<Other>().unwrap());
            let (zone, others_zone) = (zone(name), name.parse::<Tz>().unwrap());
            let (mut from, mut count) = (at(FROM), 0);
            while from < at(TO) {
                let (next, _) = fires_after(&cron, &zone, from).unwrap();
                assert_eq!(next, others_next(&other, others_zone, from), "{text} in {name} after {from}");
                (from, count) = (next, count + 1);
            }
            assert!(count > 2, "{text} in {name}: {count}");
        }
    }
}

/// Where the clock does not change, all expressions agree. Two programs differ in which fields of days count as
/// "any": expressions with a step over all days of one field are left out.
fn is_comparable(text: &str) -> bool {
    let fields: Vec<&str> = text.split(' ').collect();
    ![fields[2], fields[4]].iter().any(|field| field.starts_with("*/"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_expression_agrees_in_utc(text in expressions(), start in 1_262_304_000i64..1_893_456_000) {
        if !is_comparable(&text) { return Ok(()) }
        let Ok(cron) = tidegate_agentping_pulse::Cron::parse(&text) else { return Ok(()) };
        let (other, utc) = (text.parse::<Other>().unwrap(), zone("UTC"));
        let mut from = Timestamp::from_millis(start * 1_000);
        for _ in 0..10 {
            let (next, _) = fires_after(&cron, &utc, from).unwrap();
            prop_assert_eq!(next, others_next(&other, Tz::UTC, from), "{} after {}", text, from);
            from = next;
        }
    }
}
