//! The window of a slot, and that slots are found the same from anywhere.

use proptest::prelude::*;
use serde_json::json;
use tidegate_agentping_pulse::preview::next_slots;
use tidegate_agentping_pulse::slots::{fires_after, fires_before};
use tidegate_kernel::Timestamp;

use crate::samples::*;

/// AC-21: the early part is the tolerance, at most half the gap before the slot.
#[test]
fn ac_21_a_window_begins_early_and_ends_with_the_tolerance() {
    for (text, tolerance_s, from, deadline) in [
        ("0 * * * *", 600, "11:50:00", "12:10:00"),
        ("0 * * * *", 1_800, "11:30:00", "12:30:00"),
        ("0 * * * *", 3_600, "11:30:00", "13:00:00"),
        ("* * * * *", 600, "11:59:30", "12:10:00"),
        ("0,59 * * * *", 600, "11:59:30", "12:10:00"),
    ] {
        let definition = definition(json!({"cron": text, "tolerance_s": tolerance_s}));
        let slot = definition.slot_after(at("2026-05-15T11:59:30Z")).unwrap();
        let on_day = |time: &str| at(&format!("2026-05-15T{time}Z"));
        assert_eq!(
            (slot.at, slot.window_from, slot.deadline),
            (on_day("12:00:00"), on_day(from), on_day(deadline)),
            "{text}"
        );
        assert!(slot.holds(slot.window_from) && slot.holds(slot.deadline));
        assert!(!slot.holds(slot.window_from.plus_millis(-1)) && !slot.holds(slot.deadline.plus_millis(1)));
    }
}

/// AC-32: a period counts from the last opening, and its tolerance is at most the period.
#[test]
fn ac_32_a_period_counts_from_an_instant() {
    let hourly = definition(json!({"every_s": 3_600}));
    let slots = next_slots(&hourly, at("2026-05-15T12:00:00.250Z"), 2);
    assert_eq!(
        slots.iter().map(|slot| slot.at).collect::<Vec<_>>(),
        [at("2026-05-15T13:00:00.250Z"), at("2026-05-15T14:00:00.250Z")]
    );
    assert_eq!(slots[0].window_from, at("2026-05-15T12:50:00.250Z"));
    assert_eq!(definition(json!({"every_s": 60})).tolerance_s, 60);
}

#[test]
fn the_calendars_end_is_no_slot() {
    let definition = in_zone("* * * * *", "UTC");
    assert_eq!(definition.slot_after(Timestamp::LAST), None);
    let last = next_slots(&definition, at("9999-12-30T20:00:00Z"), 100);
    assert!(!last.is_empty() && last.len() <= 100);
}

/// A field of an expression.
fn field(most: u8, least: u8) -> impl Strategy<Value = String> {
    let number = least..=most;
    prop_oneof![
        3 => Just("*".to_owned()),
        3 => number.clone().prop_map(|number| number.to_string()),
        1 => (2..=most).prop_map(|step| format!("*/{step}")),
        2 => (number.clone(), number.clone()).prop_map(|(one, other)| format!("{}-{}", one.min(other), one.max(other))),
        2 => prop::collection::vec(number, 1..4).prop_map(|list| list.iter().map(u8::to_string).collect::<Vec<_>>().join(",")),
    ]
}

pub fn expressions() -> impl Strategy<Value = String> {
    (field(59, 0), field(23, 0), field(31, 1), field(12, 1), field(7, 0))
        .prop_map(|(minute, hour, day, month, weekday)| format!("{minute} {hour} {day} {month} {weekday}"))
}

pub fn zones() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "America/St_Johns",
        "Africa/Casablanca",
        "Pacific/Apia",
        "America/Santiago",
    ])
}

proptest! {
    /// Slots come in order, windows too; the slot before the next one is the one that there was; nothing lies between.
    #[test]
    fn going_back_undoes_going_forward(text in expressions(), name in zones(), start in 1_262_304_000_000i64..1_893_456_000_000) {
        let Ok(cron) = tidegate_agentping_pulse::Cron::parse(&text) else { return Ok(()) };
        let zone = zone(name);
        let mut from = Timestamp::from_millis(start);
        let mut earlier = fires_before(&cron, &zone, from.plus_millis(1));
        for _ in 0..20 {
            let (next, _) = fires_after(&cron, &zone, from).unwrap();
            prop_assert!(next > from);
            prop_assert_eq!(fires_before(&cron, &zone, next), earlier, "before {}", next);
            let middle = Timestamp::from_millis((next.as_millis() + from.as_millis()) / 2);
            prop_assert_eq!(fires_after(&cron, &zone, middle.max(from)).map(|(at, _)| at), if middle < next { Some(next) } else { None });
            (earlier, from) = (Some(next), next);
        }
    }

    /// AC-40: what a preview gives equals what one by one is found.
    #[test]
    fn ac_40_a_preview_is_one_slot_after_the_other(text in expressions(), name in zones(), start in 1_262_304_000_000i64..1_893_456_000_000) {
        let members = members(json!({"cron": text, "timezone": name}));
        let Ok(definition) = tidegate_agentping_pulse::Definition::parse(&members) else { return Ok(()) };
        let mut after = Timestamp::from_millis(start);
        let previewed = next_slots(&definition, after, 10);
        prop_assert_eq!(previewed.len(), 10);
        for slot in previewed {
            let next = definition.slot_after(after).unwrap();
            prop_assert_eq!(slot, next);
            prop_assert!(slot.window_from <= slot.at && slot.at < slot.deadline);
            after = slot.at;
        }
    }
}
