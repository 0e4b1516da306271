//! Slots against another implementation, which has another time zone database.

use chrono::{DateTime, TimeZone, Utc};
use croner::Cron as Other;
use proptest::prelude::*;
use tidegate_agentping_pulse::slots::fires_after;
use tidegate_kernel::Timestamp;

use crate::samples::*;
use crate::windows::expressions;

/// Ten years of four zones, one line each: zone, expression, the first instant in seconds since 1970, and how many gaps of
/// how many seconds follow. Written by croner 4.0.3 on chrono-tz 0.10.4.
const TEN_YEARS: &str = include_str!("ten_years.txt");
const TO: &str = "2024-01-01T00:00:00Z";

/// One minute and one hour, where both agree on what a change of the clock does; and any hour.
#[test]
fn ten_years_of_four_zones_agree() {
    let mut lines = 0;
    for line in TEN_YEARS.lines() {
        let [name, text, first, gaps] = line.split('|').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let (cron, zone) = (cron(text), zone(name));
        let mut expected = Timestamp::from_millis(first.parse::<i64>().unwrap() * 1_000);
        let mut found = fires_after(&cron, &zone, at("2014-01-01T00:00:00Z")).unwrap().0;
        assert_eq!(found, expected, "{text} in {name}");
        for gap in gaps.split(' ') {
            let (times, seconds) = gap.split_once('x').unwrap();
            for _ in 0..times.parse().unwrap() {
                expected = expected.plus_millis(seconds.parse::<i64>().unwrap() * 1_000);
                let next = fires_after(&cron, &zone, found).unwrap().0;
                assert_eq!(next, expected, "{text} in {name} after {found}");
                found = next;
            }
        }
        assert!(found >= at(TO), "{text} in {name} ends at {found}");
        lines += 1;
    }
    assert_eq!(lines, 28, "four zones, seven expressions");
}

/// Two programs differ in which fields of days count as "any": expressions with a step over all days of one field are
/// left out.
fn is_comparable(text: &str) -> bool {
    let fields: Vec<&str> = text.split(' ').collect();
    ![fields[2], fields[4]].iter().any(|field| field.starts_with("*/"))
}

fn utc(at: Timestamp) -> DateTime<Utc> {
    Utc.timestamp_millis_opt(at.as_millis()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_expression_agrees_in_utc(text in expressions(), start in 1_262_304_000i64..1_893_456_000) {
        if !is_comparable(&text) { return Ok(()) }
        let Ok(cron) = tidegate_agentping_pulse::Cron::parse(&text) else { return Ok(()) };
        let (other, zone) = (text.parse::<Other>().unwrap(), zone("UTC"));
        let mut from = Timestamp::from_millis(start * 1_000);
        for _ in 0..10 {
            let (next, _) = fires_after(&cron, &zone, from).unwrap();
            prop_assert_eq!(utc(next), other.find_next_occurrence(&utc(from), false).unwrap(), "{} after {}", text, from);
            from = next;
        }
    }
}
