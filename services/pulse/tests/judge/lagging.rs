//! Records that wait: the watermark stands, and no alert is sent for it.

use serde_json::json;
use tidegate_agentping::HeartbeatStatus;
use tidegate_agentping_testkit::{heartbeat, key};
use tidegate_ports::Append;

use crate::rig::{PARTITIONS, Rig, time};

/// AC-23: consumers stand for half an hour while records come in: no alert then, nor after it, but for true misses.
#[tokio::test]
async fn ac_23_nobody_is_alerted_for_consumers_that_stood() {
    let mut rig = Rig::new().await;
    rig.agent("beats", json!({"cron": "*/10 * * * *", "tolerance_s": 120})).await;
    rig.agent("silent", json!({"cron": "20 12 * * *", "tolerance_s": 120})).await;
    rig.to("11:59").await;
    let before = rig.slots("beats").await.len();
    rig.stalled = (0..PARTITIONS).collect();
    for (run, at) in [(1, "12:00:05"), (2, "12:10:05"), (3, "12:20:05"), (4, "12:30:05")] {
        rig.to(at).await;
        rig.beat(run, "beats", HeartbeatStatus::Ok).await;
    }
    rig.to("12:34").await;
    assert_eq!(rig.judge.as_ref().unwrap().watermark().now(), time("12:00:03"), "the oldest record that waits");
    let silent = |rig: &Rig| rig.messages().into_iter().filter(|message| message.contains("silent")).count();
    assert_eq!((rig.slots("beats").await.len(), silent(&rig)), (before, 0));
    rig.stalled.clear();
    rig.to("12:35").await;
    let slots = rig.slots("beats").await;
    assert_eq!(slots[before..], ["12:00 ok", "12:10 ok", "12:20 ok", "12:30 ok"]);
    assert_eq!(rig.slots("silent").await, ["12:20 missed"]);
    assert_eq!(silent(&rig), 1);
}

/// AC-24: one partition stands: the watermark waits for it for a quarter of an hour, then goes on; what is not covered by
/// then is unknown, what is covered goes on.
#[tokio::test]
async fn ac_24_one_partition_stands() {
    let mut rig = Rig::new().await;
    rig.agent("covered", json!({"cron": "*/10 * * * *", "tolerance_s": 120})).await;
    rig.agent("uncovered", json!({"cron": "*/10 * * * *", "tolerance_s": 120})).await;
    rig.to("11:59").await;
    let before = rig.slots("covered").await.len();
    let of = |run: u128| rig.log.partition_of(key(run).log_key());
    let stuck = of(1);
    // Runs of the partitions that go on.
    let mut others = (2..u128::MAX).filter(|run| of(*run) != stuck).take(200).collect::<Vec<_>>().into_iter();
    rig.stalled = vec![stuck];
    rig.append(1, heartbeat("someone", HeartbeatStatus::Ok)).await;
    let minutes: Vec<String> = (0..40).map(|minute| format!("12:{minute:02}:05")).collect();
    for (minute, at) in minutes.iter().enumerate() {
        rig.to(at).await;
        let agent = if minute % 10 == 0 { "covered" } else { "other" };
        rig.append(others.next().unwrap(), heartbeat(agent, HeartbeatStatus::Ok)).await;
        if minute == 12 {
            assert_eq!(rig.slots("covered").await.len(), before, "the watermark waits");
        }
    }
    rig.to("12:40").await;
    let stalled: Vec<_> = rig.judge.as_ref().unwrap().watermark().stalled().collect();
    assert_eq!(stalled, [(1, stuck)]);
    assert_eq!(rig.slots("covered").await[before..], ["12:00 ok", "12:10 ok", "12:20 ok", "12:30 ok"]);
    let uncovered = rig.slots("uncovered").await;
    assert_eq!(uncovered[before..], ["12:00 unknown", "12:10 unknown", "12:20 unknown", "12:30 unknown"]);
    let docs = rig.slot_docs("uncovered").await;
    assert_eq!(docs.last().unwrap().reason, Some(tidegate_agentping_pulse::DoubtReason::Log));
    rig.stalled.clear();
    rig.to("12:41").await;
    rig.to("13:03").await;
    assert_eq!(rig.slots("uncovered").await.last().unwrap(), "13:00 missed");
}

/// A judge that was away for more than a day: an agent that has run every minute meanwhile has missed nothing.
#[tokio::test]
async fn a_judge_that_was_away_for_long_misses_no_run() {
    let mut rig = Rig::new().await;
    rig.agent("minutely", json!({"cron": "* * * * *", "tolerance_s": 60})).await;
    let minutes = 1_800;
    for minute in 1..=minutes {
        rig.clock.set(time("11:00:05").plus_millis(minute * 60_000));
        rig.beat(u128::try_from(minute).unwrap(), "minutely", HeartbeatStatus::Ok).await;
    }
    rig.apply().await;
    let end = time("11:00").plus_millis(minutes * 60_000);
    for _ in 0..10 {
        rig.turn().await;
    }
    assert!(rig.judge.as_ref().unwrap().watermark().now() >= end, "a turn reads so much at most, and the next goes on");
    assert_eq!((rig.incidents().await, rig.messages()), (vec![], vec![]));
}

/// Rows of the feed that are not there yet, though their records are settled, hold the watermark back.
#[tokio::test]
async fn a_backlog_of_the_feed_is_read_over_several_turns() {
    let mut rig = Rig::new().await;
    rig.agent("busy", json!({"cron": "0 12 * * *", "tolerance_s": 120})).await;
    rig.clock.set(time("11:59"));
    for run in 0..3_000 {
        rig.append(run, heartbeat("other", HeartbeatStatus::Ok)).await;
    }
    rig.beat(9_999, "busy", HeartbeatStatus::Ok).await;
    rig.to("12:03").await;
    assert_eq!(rig.slots("busy").await, ["12:00 ok"]);
}
