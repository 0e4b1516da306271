//! When nothing can be said of a slot.

use serde_json::json;
use tidegate_agentping_pulse::doubt::join;
use tidegate_agentping_pulse::{Doubt, DoubtReason, Doubts};

use crate::judged::*;

fn outcomes(tolerance_s: u32, from: &str, until: &str) -> Vec<String> {
    let mut judged = Judged::with(json!({"cron": "0 9,10 * * *", "tolerance_s": tolerance_s}));
    judged.doubts = vec![Doubt { from: time(from), until: time(until), reason: DoubtReason::FrontDoor }];
    judged.to("11:00");
    judged.slots()
}

/// AC-25: doubt near the deadline or right after the slot; the next slot is judged as always.
#[test]
fn ac_25_a_slot_in_doubt_is_unknown_and_the_next_one_is_judged() {
    for (tolerance_s, from, until, outcome) in [
        (600, "09:00:00", "09:01:00", "unknown"),
        (600, "08:58:00", "08:59:59", "missed"),
        (600, "09:10:00", "09:11:00", "unknown"),
        (600, "09:10:01", "09:11:00", "missed"),
        (3_000, "09:05:00", "09:06:00", "unknown"),
        (3_000, "09:05:01", "09:34:59", "missed"),
        (3_000, "09:35:00", "09:36:00", "unknown"),
        (60, "09:05:00", "09:06:00", "unknown"),
        (60, "09:05:01", "09:06:00", "missed"),
    ] {
        let expected = [format!("09:00 {outcome}"), "10:00 missed".to_owned()];
        assert_eq!(outcomes(tolerance_s, from, until), expected, "{tolerance_s} {from} {until}");
    }
}

#[test]
fn a_covered_slot_is_not_in_doubt() {
    let mut judged = Judged::with(json!({"cron": "0 9 * * *"}));
    judged.doubts = vec![Doubt { from: time("09:00"), until: time("09:30"), reason: DoubtReason::Log }];
    judged.opened(1, "09:05");
    judged.to("11:00");
    assert_eq!(judged.slots(), ["09:00 open"]);
}

/// AC-29: whether a time that the clock leaves out should have run cannot be said.
#[test]
fn ac_29_a_slot_that_the_gap_moved_is_unknown() {
    let mut judged = Judged::default();
    judged
        .set("2026-03-28T00:00:00Z", json!({"cron": "30 2 * * *", "timezone": "Europe/Berlin", "start_unseen": true}));
    judged.to("2026-03-30T02:00:00Z");
    assert_eq!(judged.slots(), ["01:30 missed", "01:00 unknown", "00:30 missed"]);
    assert_eq!(judged.decisions[1].reason, None);
}

#[test]
fn of_several_reasons_the_first_in_order_is_said() {
    let doubt = |reason| Doubt { from: time("09:00"), until: time("09:10"), reason };
    let (of_all, of_team) = ([doubt(DoubtReason::Log)], [doubt(DoubtReason::Canary), doubt(DoubtReason::Volume)]);
    let doubts = Doubts { of_all: &of_all, of_team: &of_team };
    assert_eq!(doubts.between(time("09:10"), time("09:20")), Some(DoubtReason::Canary));
    assert_eq!(doubts.between(time("09:11"), time("09:20")), None);
}

#[test]
fn intervals_of_one_owner_and_reason_are_joined_where_they_touch() {
    let doubt = |from: &str, until: &str, reason| Doubt { from: time(from), until: time(until), reason };
    let minute = |from: &str, until: &str| {
        let doubt = doubt(from, until, DoubtReason::FrontDoor);
        Doubt { until: doubt.until.plus_millis(-1), ..doubt }
    };
    let mut doubts = vec![
        (2, minute("09:01", "09:02")),
        (1, minute("09:02", "09:03")),
        (1, minute("09:00", "09:01")),
        (1, minute("09:01", "09:02")),
        (1, minute("09:04", "09:05")),
        (1, doubt("09:01", "09:30", DoubtReason::Log)),
        (1, doubt("09:10", "09:20", DoubtReason::Log)),
    ];
    let joined = [
        (1, minute("09:00", "09:03")),
        (1, minute("09:04", "09:05")),
        (1, doubt("09:01", "09:30", DoubtReason::Log)),
        (2, minute("09:01", "09:02")),
    ];
    join(&mut doubts);
    assert_eq!(doubts, joined);
    join(&mut doubts);
    assert_eq!(doubts, joined);
}
