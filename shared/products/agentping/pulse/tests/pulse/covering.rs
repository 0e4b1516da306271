//! Which openings cover which slots.

use serde_json::json;
use tidegate_agentping::FinishStatus;
use tidegate_agentping_pulse::ScheduleChange;

use crate::judged::*;

fn hourly() -> Judged {
    let mut judged = Judged::with(json!({"cron": "0 9-12 * * *", "tolerance_s": 600}));
    judged.to("08:00");
    judged
}

/// AC-18: no run until the deadline.
#[test]
fn ac_18_a_slot_without_a_run_is_missed_at_its_deadline() {
    let mut judged = hourly();
    judged.to("09:09:59");
    assert!(judged.slots().is_empty());
    judged.to("09:10:00");
    assert_eq!(judged.slots(), ["09:00 missed"]);
    assert_eq!(judged.coverage.next_due(), Some(time("10:10")));
}

/// AC-19: anywhere in the window, whatever became of the run; also one that is known only after the deadline.
#[test]
fn ac_19_a_run_in_the_window_covers() {
    for received_at in ["08:50:00", "08:59:59", "09:00:00", "09:05:00", "09:10:00"] {
        let mut judged = hourly();
        judged.opened(1, received_at);
        judged.to("09:10:00");
        assert_eq!(judged.slots(), ["09:00 open"], "{received_at}");
    }
    for received_at in ["08:49:59", "09:10:01"] {
        let mut judged = hourly();
        judged.opened(1, received_at);
        judged.to("09:11:00");
        assert_eq!(judged.slots(), ["09:00 missed"], "{received_at}");
    }
}

#[test]
fn the_end_of_its_run_colours_a_slot() {
    for (status, outcome) in [
        (FinishStatus::Success, "09:00 ok"),
        (FinishStatus::Failed, "09:00 failed"),
        (FinishStatus::Timeout, "09:00 timeout"),
        (FinishStatus::Cancelled, "09:00 ok"),
    ] {
        for ends_first in [true, false] {
            let mut judged = hourly();
            judged.opened(1, "09:01");
            if ends_first {
                judged.ended(1, status);
                judged.to("09:01");
            } else {
                judged.to("09:30");
                assert_eq!(judged.slots(), ["09:00 open"]);
                judged.ended(1, status);
            }
            assert_eq!(judged.slots(), [outcome]);
        }
    }
}

/// AC-21: a run ahead of its slot covers it, at the slot's own time, and not twice.
#[test]
fn ac_21_an_early_run_covers_once() {
    let mut judged = hourly();
    judged.opened(1, "08:55");
    judged.to("08:59:59");
    assert!(judged.slots().is_empty());
    judged.opened(2, "08:57");
    judged.to("10:30");
    assert_eq!(judged.slots(), ["09:00 open", "10:00 missed"]);
}

/// AC-22: where tolerances overlap, the oldest slot is covered first, and each run covers one.
#[test]
fn ac_22_overlapping_windows_are_filled_from_the_oldest() {
    let mut judged = Judged::with(json!({"cron": "0 9-11 * * *", "tolerance_s": 7_200}));
    judged.opened(1, "10:30");
    judged.opened(2, "10:40");
    judged.to("11:00");
    assert_eq!(judged.slots(), ["09:00 open", "10:00 open"]);
    judged.to("13:00");
    assert_eq!(judged.slots(), ["09:00 open", "10:00 open", "11:00 missed"]);
    assert_eq!(judged.decisions[0].run, Some(run(1)));
}

/// AC-27: a run that arrives after the verdict, with its start in the window.
#[test]
fn ac_27_a_late_run_turns_its_slot() {
    let mut judged = hourly();
    judged.to("11:30");
    assert_eq!(judged.slots(), ["09:00 missed", "10:00 missed", "11:00 missed"]);
    judged.opened_at(1, "11:40", Some("10:05"));
    judged.to("11:40");
    assert_eq!(judged.slots(), ["09:00 missed", "10:00 ok_late", "11:00 missed"]);
    let last = *judged.decisions.last().unwrap();
    assert_eq!((last.run, last.missed_after, last.is_amendment), (Some(run(1)), 1, true));
    // No second run turns the same slot, and one that started outside of all windows turns none.
    judged.opened_at(2, "11:41", Some("10:06"));
    judged.opened_at(3, "11:42", Some("10:30"));
    judged.opened_at(4, "11:43", Some("11:00"));
    judged.to("11:45");
    assert_eq!(judged.slots(), ["09:00 missed", "10:00 ok_late", "11:00 ok_late"]);
    assert_eq!(judged.decisions.last().unwrap().missed_after, 0);
}

/// AC-28: a replayed opening is matched by when it was received, and changes nothing but to `ok_late`.
#[test]
fn ac_28_a_replayed_opening_turns_a_slot_late() {
    let mut judged = hourly();
    judged.opened(1, "09:01");
    judged.to("11:30");
    judged.opened(2, "10:01");
    judged.opened(3, "09:02");
    assert_eq!(judged.slots(), ["09:00 open", "10:00 ok_late", "11:00 missed"]);
}

/// AC-30: slots before an edit keep the former definition; the first one by the new definition lies after it.
#[test]
fn ac_30_an_edit_begins_after_itself() {
    let mut judged = hourly();
    judged.set("10:00", json!({"cron": "*/30 * * * *", "tolerance_s": 60}));
    judged.to("10:32");
    assert_eq!(judged.slots(), ["09:00 missed", "10:00 missed", "10:30 missed"]);
    // 10:00 keeps its tolerance of ten minutes, longer than the new one.
    let missed: Vec<_> = judged.decisions.iter().map(|decision| decision.slot.deadline).collect();
    assert_eq!(missed, [time("09:10"), time("10:10"), time("10:31")]);
}

#[test]
fn the_same_definition_again_changes_nothing() {
    let (mut once, mut again) = (hourly(), hourly());
    again.set("08:30", json!({"cron": "0 9-12 * * *", "tolerance_s": 600, "timezone": "UTC"}));
    for judged in [&mut once, &mut again] {
        judged.opened(1, "08:55");
        judged.to("12:00");
    }
    assert_eq!(once.decisions, again.decisions);
}

#[test]
fn a_run_ahead_of_a_slot_that_an_edit_removes_covers_the_next_definitions() {
    let mut judged = hourly();
    judged.opened(1, "08:55");
    judged.set("08:57", json!({"cron": "58 8 * * *", "tolerance_s": 600}));
    judged.to("10:00");
    assert_eq!(judged.slots(), ["08:58 open"]);
}

/// AC-31: no slot before the first run, unless it is wanted.
#[test]
fn ac_31_an_agent_never_seen_is_not_judged() {
    let mut unseen = Judged::default();
    unseen.set("00:00", json!({"cron": "0 * * * *"}));
    unseen.to("09:30");
    assert_eq!((unseen.slots().is_empty(), unseen.coverage.next_due()), (true, None));
    unseen.opened(1, "09:55");
    unseen.to("11:30");
    assert_eq!(unseen.slots(), ["10:00 open", "11:00 missed"]);

    let mut wanted = Judged::default();
    wanted.set("08:30", json!({"cron": "0 * * * *", "start_unseen": true}));
    wanted.to("09:30");
    assert_eq!(wanted.slots(), ["09:00 missed"]);
}

/// AC-32: a period counts from the last opening; one slot is open at a time.
#[test]
fn ac_32_a_period_counts_from_the_last_opening() {
    let mut judged = Judged::with(json!({"every_s": 3_600, "tolerance_s": 600}));
    // The last opening was before midnight, so the first slot is an hour after it.
    judged.opened(1, "01:05");
    judged.to("01:05");
    judged.opened(2, "01:20");
    judged.to("02:29:59");
    assert_eq!(judged.slots(), ["00:59 open"]);
    judged.to("02:30");
    assert_eq!(judged.slots(), ["00:59 open", "02:20 missed"]);
    judged.to("03:30");
    assert_eq!(judged.slots(), ["00:59 open", "02:20 missed", "03:20 missed"]);
    judged.opened(3, "04:15");
    judged.to("05:24:59");
    assert_eq!(judged.slots()[3..], ["04:20 open"]);
    judged.to("05:25");
    assert_eq!(judged.slots()[3..], ["04:20 open", "05:15 missed"]);
}

/// AC-32: an opening that covers a slot of the definition before is the last one, too, from which the period counts.
#[test]
fn a_period_counts_from_an_opening_that_covers_a_former_definitions_slot() {
    let mut judged = Judged::with(json!({"every_s": 3_600, "tolerance_s": 600}));
    judged.opened(1, "00:10");
    judged.set("01:12", json!({"every_s": 1_800, "tolerance_s": 60}));
    judged.opened(2, "01:15");
    judged.opened(3, "01:45");
    judged.to("02:00");
    assert_eq!(judged.slots(), ["01:10 open", "01:45 open"]);
}

#[test]
fn so_it_does_where_the_opening_is_within_its_own_window_too() {
    let mut judged = Judged::with(json!({"every_s": 3_600, "tolerance_s": 600}));
    judged.opened(1, "00:10");
    judged.set("01:11", json!({"every_s": 60, "tolerance_s": 60}));
    judged.opened(2, "01:12:30");
    judged.opened(3, "01:13:30");
    judged.to("01:14");
    assert_eq!(judged.slots(), ["01:10 open", "01:13 open"], "01:12 was put off by a run that came in time for it");
}

#[test]
fn slots_of_a_pause_are_skipped_and_reports_do_not_end_it() {
    let mut judged = hourly();
    judged.opened(1, "09:55");
    judged.change("09:58", ScheduleChange::Paused);
    judged.opened(2, "10:01");
    judged.opened(3, "11:55");
    judged.change("11:58", ScheduleChange::Resumed);
    judged.to("13:00");
    assert_eq!(judged.slots(), ["09:00 missed", "10:00 skipped", "11:00 skipped", "12:00 open"]);
    assert_eq!(judged.decisions.last().unwrap().run, Some(run(3)), "it came ahead of the slot, before the pause ended");
}

#[test]
fn a_schedule_that_is_off_skips_and_one_that_is_removed_has_no_slots() {
    let mut judged = hourly();
    judged.set("09:30", json!({"cron": "0 * * * *", "enabled": false}));
    judged.change("10:30", ScheduleChange::Removed);
    judged.to("13:00");
    assert_eq!(judged.slots(), ["09:00 missed", "10:00 skipped"]);
    assert_eq!(judged.coverage.next_due(), None);
}

#[test]
fn slots_between_a_removal_and_the_next_schedule_are_not_judged() {
    let mut judged = Judged::with(json!({"cron": "0 * * * *", "tolerance_s": 7_200}));
    judged.change("01:30", ScheduleChange::Removed);
    judged.set("02:30", json!({"cron": "0 * * * *"}));
    judged.to("04:30");
    let expected = ["01:00 missed", "03:00 missed", "04:00 missed"];
    assert_eq!(judged.slots(), expected, "01:00 still waited for its run when the next schedule began");
}

/// More openings wait than are kept, as after an outage: those that are kept are of all of its time.
#[test]
fn a_crowd_of_openings_covers_all_slots_of_its_time() {
    let mut judged = Judged::with(json!({"cron": "* 1 * * *", "tolerance_s": 60}));
    for second in 0..3_600_u128 {
        judged.opened(second, &format!("01:{:02}:{:02}", second / 60, second % 60));
    }
    judged.to("03:00");
    assert_eq!(judged.slots().len(), 60);
    assert!(judged.slots().iter().all(|slot| slot.ends_with("open")), "{:?}", judged.slots());
}
