//! Doubt that a missing canary brings.

use tidegate_agentping_pulse::{CanaryWatch, DoubtReason, canary_team};
use tidegate_kernel::Region;

use crate::judged::time;

fn found(watch: &CanaryWatch, silent_since: Option<&str>, to: &str) -> Vec<String> {
    let doubts = watch.doubts(silent_since.map(time), time(to));
    assert!(doubts.iter().all(|doubt| doubt.reason == DoubtReason::Canary));
    doubts
        .iter()
        .map(|doubt| format!("{} {}", &doubt.from.to_string()[11..19], &doubt.until.to_string()[11..19]))
        .collect()
}

#[test]
fn a_time_in_which_heartbeats_were_sent_and_none_arrived_is_doubt() {
    for (arrived, trying_since, doubt) in [
        ("12:00:15", "12:00:00", None),
        ("12:00:45", "12:00:00", None),
        ("12:00:46", "12:00:00", Some("12:00:00 12:00:46")),
        ("12:30:00", "12:00:00", Some("12:00:00 12:30:00")),
        // No sender ran until then.
        ("12:30:00", "12:29:50", None),
        ("12:30:00", "12:20:00", Some("12:20:00 12:30:00")),
        // One that has been trying for longer than the last one that got through.
        ("12:30:00", "11:00:00", Some("12:00:00 12:30:00")),
        // Another process's, which was read late.
        ("11:59:00", "11:00:00", None),
    ] {
        let mut watch = CanaryWatch::default();
        watch.arrived(time("12:00:00"), time("11:00:00"));
        watch.arrived(time(arrived), time(trying_since));
        let expected: Vec<String> = doubt.into_iter().map(str::to_owned).collect();
        assert_eq!(found(&watch, None, "13:00:00"), expected, "{arrived} {trying_since}");
    }
}

/// Nothing is known of the time since the last heartbeat, until it is waited for no longer: then it is doubt, from when this
/// process began to send.
#[test]
fn what_has_not_arrived_is_waited_for_and_then_doubt() {
    let mut watch = CanaryWatch::default();
    let known = |watch: &CanaryWatch, is_silent| watch.known_to(time("12:00"), is_silent, time("12:10")).to_string();
    assert!(known(&watch, false).contains("12:00:00"), "the sender's start");
    watch.arrived(time("11:50"), time("11:40"));
    assert!(known(&watch, false).contains("12:00:00"), "no sender ran before");
    watch.arrived(time("12:03"), time("12:00"));
    assert!(known(&watch, false).contains("12:03:00"));
    assert!(known(&watch, true).contains("12:10:00"));
    // It is not missing yet, for all that was received until then.
    assert_eq!(watch.known_to(time("12:00"), true, time("12:03:45")), time("12:03"));
    assert_eq!(watch.known_to(time("12:00"), true, time("12:03:46")), time("12:03:46"));
    let already = found(&watch, None, "12:10");
    assert_eq!(already, ["12:00:00 12:03:00"]);
    assert_eq!(found(&watch, Some("12:00"), "12:03:45"), already);
    assert_eq!(found(&watch, Some("12:00"), "12:03:46")[1], "12:03:00 12:03:46");
    assert_eq!(found(&watch, Some("12:05"), "12:10:00")[1], "12:05:00 12:10:00");
    watch.forget(time("12:04"));
    assert!(found(&watch, None, "12:10").is_empty());
}

/// What was missing is doubt also for a judge that starts when it has come again.
#[test]
fn what_was_missing_is_kept() {
    let mut watch = CanaryWatch::default();
    watch.arrived(time("12:00"), time("11:00"));
    watch.missing(time("11:00"), time("12:00:45"));
    assert!(found(&watch, None, "13:00").is_empty());
    watch.missing(time("11:00"), time("12:01"));
    watch.missing(time("11:00"), time("12:02"));
    let text = serde_json::to_string(&watch).unwrap();
    let mut watch: CanaryWatch = serde_json::from_str(&text).unwrap();
    watch.arrived(time("12:10"), time("12:09:50"));
    assert_eq!(found(&watch, None, "13:00"), ["12:00:00 12:02:00"]);
}

#[test]
fn each_region_has_one_canary() {
    assert_eq!(canary_team(Region::Eu), canary_team(Region::Eu));
    assert_eq!(canary_team(Region::Us).region(), Region::Us);
}
