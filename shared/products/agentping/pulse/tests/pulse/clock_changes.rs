//! Clocks that are put forward and back.

use serde_json::json;

use crate::samples::*;

const BERLIN: &str = "Europe/Berlin";
/// The days on which Berlin's clocks change in 2026.
const SPRING: (&str, &str) = ("2026-03-28T23:00:00Z", "2026-03-29T21:59:00Z");
const AUTUMN: (&str, &str) = ("2026-10-24T22:00:00Z", "2026-10-25T22:59:00Z");

/// AC-29: a time that is left out has its slot right after the gap, one that comes twice has it the first time, and each
/// hour of the day has one where the expression takes any hour.
#[test]
fn ac_29_a_day_on_which_berlins_clocks_change() {
    let nightly = in_zone("30 2 * * *", BERLIN);
    assert_eq!(between(&nightly, SPRING.0, SPRING.1), ["2026-03-29T01:00Z"]);
    assert_eq!(between(&nightly, AUTUMN.0, AUTUMN.1), ["2026-10-25T00:30Z"]);
    let hourly = in_zone("0 * * * *", BERLIN);
    assert_eq!(between(&hourly, SPRING.0, SPRING.1).len(), 23);
    assert_eq!(between(&hourly, AUTUMN.0, AUTUMN.1).len(), 25);
}

/// AC-29: at worst `unknown`, since cron programs disagree on whether it runs.
#[test]
fn ac_29_only_a_slot_that_the_gap_moved_says_so() {
    let in_gap = |text: &str, after: &str| in_zone(text, BERLIN).slot_after(at(after)).unwrap().in_gap;
    assert!(in_gap("30 2 * * *", SPRING.0));
    assert!(!in_gap("30 2 * * *", "2026-03-29T12:00:00Z"));
    assert!(!in_gap("0 3 * * *", SPRING.0));
    assert!(!in_gap("0,30 2,3 * * *", "2026-03-29T00:59:00Z"), "it is expected at 03:00 anyway");
    assert!(!in_gap("0 * * * *", "2026-03-29T00:59:00Z"));
}

#[test]
fn times_of_one_gap_are_one_slot() {
    let slots = between(&in_zone("*/15 2,4 * * *", BERLIN), SPRING.0, SPRING.1);
    assert_eq!(
        slots,
        ["2026-03-29T01:00Z", "2026-03-29T02:00Z", "2026-03-29T02:15Z", "2026-03-29T02:30Z", "2026-03-29T02:45Z"]
    );
    assert_eq!(
        between(&in_zone("0,30 2,3 * * *", BERLIN), SPRING.0, SPRING.1),
        ["2026-03-29T01:00Z", "2026-03-29T01:30Z"]
    );
    let twice = between(&in_zone("*/30 2 * * *", BERLIN), AUTUMN.0, AUTUMN.1);
    assert_eq!(twice, ["2026-10-25T00:00Z", "2026-10-25T00:30Z"]);
}

#[test]
fn any_hour_follows_the_clock_that_is_shown() {
    let even = in_zone("0 */2 * * *", BERLIN);
    assert_eq!(
        between(&even, SPRING.0, "2026-03-29T04:00:00Z"),
        ["2026-03-28T23:00Z", "2026-03-29T02:00Z", "2026-03-29T04:00Z"]
    );
    assert_eq!(
        between(&even, AUTUMN.0, "2026-10-25T03:00:00Z"),
        ["2026-10-24T22:00Z", "2026-10-25T00:00Z", "2026-10-25T01:00Z", "2026-10-25T03:00Z"]
    );
}

/// Gaps that are not an hour, at midnight, and of a whole day; zones whose offset is no whole hour.
#[test]
fn other_zones_have_other_gaps() {
    for (text, name, from, to, expected) in [
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T13:00:00Z", "2026-10-04T12:00:00Z", "2026-10-03T15:30Z"),
        ("30 0 * * *", "America/Asuncion", "2024-10-05T12:00:00Z", "2024-10-06T12:00:00Z", "2024-10-06T04:00Z"),
        ("0 12 30 12 *", "Pacific/Apia", "2011-12-28T00:00:00Z", "2012-01-02T00:00:00Z", "2011-12-30T10:00Z"),
        ("0 6 * * *", "Asia/Kathmandu", "2026-05-01T00:00:00Z", "2026-05-01T23:00:00Z", "2026-05-01T00:15Z"),
    ] {
        assert_eq!(between(&in_zone(text, name), from, to), [expected], "{text} {name}");
    }
}

/// The allowance for clocks that run ahead is half the real gap, also over a change.
#[test]
fn the_early_part_is_half_of_the_real_gap() {
    let hourly = definition(json!({"cron": "0 2 * * *", "timezone": BERLIN, "tolerance_s": 2_419_200}));
    let after_spring = hourly.slot_after(at("2026-03-29T01:00:00Z")).unwrap();
    // 01:00Z on the 29th to 00:00Z on the 30th: 23 hours.
    assert_eq!((after_spring.at, after_spring.window_from), (at("2026-03-30T00:00:00Z"), at("2026-03-29T12:30:00Z")));
}
