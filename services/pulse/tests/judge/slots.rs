//! Slots: missed, covered, late, skipped.

use serde_json::json;
use tidegate_agentping::FinishStatus::{Success, Timeout};
use tidegate_agentping::{HeartbeatStatus, Slug};
use tidegate_agentping_ports::registry::agent_id;
use tidegate_agentping_testkit::{StartWith, start, team};
use tidegate_agentping_verdicts::slots::SLOTS;
use tidegate_agentping_verdicts::{SLOT_HOURS, SlotDoc, SlotQuery};
use tidegate_ports::{Clock, RowScan, RowTable, Rows, ScanOrder};

use crate::rig::{Rig, time};

/// AC-18: nothing came until slot and tolerance had passed, so one message follows once the slot can be decided.
#[tokio::test]
async fn ac_18_a_slot_without_a_run_is_missed_once() {
    let mut rig = Rig::new().await;
    rig.agent("daily", json!({"cron": "0 12 * * *", "tolerance_s": 600})).await;
    rig.to("12:10:31").await;
    assert_eq!((rig.slots("daily").await, rig.messages()), (vec![], vec![]), "it cannot be decided yet");
    rig.to("12:10:32").await;
    assert_eq!(rig.slots("daily").await, ["12:00 missed"]);
    assert_eq!(rig.messages(), ["12:10 daily schedule_missed firing"]);
    rig.to("12:30").await;
    assert_eq!(rig.messages().len(), 1);
    let slots = rig.slot_docs("daily").await;
    let incidents = rig.incident_docs().await;
    assert_eq!((slots[0].deadline, slots[0].incident), (time("12:10"), Some(incidents[0].id)));
}

/// AC-19: a run anywhere in the window covers, whatever becomes of it; also one that was received before the deadline and
/// appended after it.
#[tokio::test]
async fn ac_19_a_run_in_the_window_covers() {
    let mut rig = Rig::new().await;
    for agent in ["a", "bb", "ccc", "dddd"] {
        rig.agent(agent, json!({"cron": "0 12 * * *", "tolerance_s": 600})).await;
    }
    rig.to("12:00:05").await;
    rig.open(1, "a").await;
    rig.to("12:09:59").await;
    rig.beat(2, "bb", HeartbeatStatus::Fail).await;
    rig.to("12:10:01").await;
    rig.append_late(3, "12:09:58", start("ccc").at(time("12:09:58"))).await;
    rig.to("12:20").await;
    rig.finish(3, Timeout).await;
    rig.to("12:30").await;
    assert_eq!(rig.slots("a").await, ["12:00 open"]);
    assert_eq!(rig.slots("bb").await, ["12:00 failed"]);
    assert_eq!(rig.slots("ccc").await, ["12:00 timeout"]);
    assert_eq!(rig.slots("dddd").await, ["12:00 missed"]);
    rig.finish(1, Success).await;
    rig.to("12:40").await;
    assert_eq!(rig.slots("a").await, ["12:00 ok"]);
    let missed: Vec<String> = rig.messages().into_iter().filter(|message| message.contains("missed")).collect();
    assert_eq!(missed, ["12:10 dddd schedule_missed firing"]);
}

/// AC-21: a run ahead of its slot covers that slot, and no other one.
#[tokio::test]
async fn ac_21_a_run_ahead_of_its_slot_covers_it_once() {
    let mut rig = Rig::new().await;
    rig.agent("hourly", json!({"cron": "0 * * * *", "tolerance_s": 600})).await;
    rig.to("11:52").await;
    rig.beat(1, "hourly", HeartbeatStatus::Ok).await;
    rig.to("13:11").await;
    assert_eq!(rig.slots("hourly").await, ["12:00 ok", "13:00 missed"]);
}

/// AC-27: a run that arrives late, and had started in the window, turns the slot and resolves the incident.
#[tokio::test]
async fn ac_27_a_late_run_turns_its_slot() {
    let mut rig = Rig::new().await;
    rig.agent("daily", json!({"cron": "0 12 * * *", "tolerance_s": 600})).await;
    rig.to("12:30").await;
    assert_eq!(rig.slots("daily").await, ["12:00 missed"]);
    rig.append(1, start("daily").at(time("12:04"))).await;
    rig.to("12:31").await;
    rig.to("12:32").await;
    assert_eq!(rig.slots("daily").await, ["12:00 ok_late"]);
    assert_eq!(rig.incidents().await, ["daily schedule_missed 12:10-12:30 1"]);
    assert_eq!(rig.messages(), ["12:10 daily schedule_missed firing", "12:30 daily schedule_missed resolved"]);
}

/// AC-31: an agent that was never seen is not judged, unless its schedule says so.
#[tokio::test]
async fn ac_31_an_agent_never_seen_is_not_judged() {
    let mut rig = Rig::new().await;
    rig.schedule("unseen", json!({"cron": "0 * * * *"})).await;
    rig.schedule("watched", json!({"cron": "0 * * * *", "start_unseen": true})).await;
    rig.to("12:11").await;
    assert_eq!(rig.slots("unseen").await, Vec::<String>::new());
    assert_eq!(rig.slots("watched").await, ["12:00 missed"]);
    rig.beat(1, "unseen", HeartbeatStatus::Ok).await;
    rig.to("13:11").await;
    assert_eq!(rig.slots("unseen").await, ["13:00 missed"]);
}

/// AC-32: a period counts from the last opening, and one slot is open at a time.
#[tokio::test]
async fn ac_32_a_period_counts_from_the_last_opening() {
    let mut rig = Rig::new().await;
    rig.agent("often", json!({"every_s": 1_800, "tolerance_s": 300})).await;
    rig.to("11:32").await;
    rig.beat(1, "often", HeartbeatStatus::Ok).await;
    rig.to("12:08").await;
    assert_eq!(rig.slots("often").await, ["11:30 ok", "12:02 missed"]);
    rig.to("12:38").await;
    assert_eq!(rig.slots("often").await.last().unwrap(), "12:32 missed");
}

/// An old deployment's first judge begins at now: what was before is not judged, and agents that had runs are known.
#[tokio::test]
async fn the_first_judge_begins_at_now() {
    let mut rig = Rig::without_judge("09:30");
    rig.schedule("old", json!({"cron": "0 * * * *"})).await;
    rig.clock.set(time("11:30"));
    rig.seen.0.push((tidegate_agentping_testkit::team(1), tidegate_agentping_testkit::slug("old"), time("09:00")));
    rig.start().await;
    rig.to("12:15").await;
    assert_eq!(rig.slots("old").await, ["12:00 missed"]);
}

/// A run that was received before the first judge began is not read, so the slot that it covers is not judged.
#[tokio::test]
async fn the_first_judge_misses_no_run_of_right_before() {
    let mut rig = Rig::without_judge("11:30");
    rig.schedule("hourly", json!({"cron": "0 * * * *", "tolerance_s": 600})).await;
    rig.clock.set(time("12:00:02"));
    rig.beat(1, "hourly", HeartbeatStatus::Ok).await;
    rig.apply().await;
    rig.seen.0.push((team(1), tidegate_agentping_testkit::slug("hourly"), time("12:00:02")));
    rig.clock.set(time("12:00:20"));
    rig.start().await;
    rig.to("12:30").await;
    assert_eq!(rig.slots("hourly").await, Vec::<String>::new());
    rig.to("13:30").await;
    assert_eq!(rig.slots("hourly").await, ["13:00 missed"]);
}

/// 2.6: slots that are plainly ok are a row for each hour; the others have rows of their own, and so have those of a former
/// build. All are read together, and a judge that starts again goes on with the hour.
#[tokio::test]
async fn plain_slots_are_packed_by_the_hour() {
    let mut rig = Rig::new().await;
    rig.agent("often", json!({"cron": "*/5 * * * *", "tolerance_s": 60})).await;
    for slot in 0..24_u128 {
        let (hour, minute) = (12 + slot / 12, slot % 12 * 5);
        rig.to(&format!("{hour}:{minute:02}:10")).await;
        match slot {
            4 => {}
            5 => rig.beat(slot, "often", HeartbeatStatus::Fail).await,
            // It is open when its slot is decided.
            6 => rig.open(slot, "often").await,
            _ => rig.beat(slot, "often", HeartbeatStatus::Ok).await,
        }
        rig.apply().await;
        if slot == 9 {
            rig.finish(6, Success).await;
            rig.start().await;
        }
        rig.turn().await;
    }
    rig.to("13:57:30").await;
    let agent = agent_id(team(1), &Slug::parse("often").unwrap());
    let rows = async |table: &'static RowTable| {
        let (shard, order) = (format!("{agent}/{}", time("12:00").as_millis() / 86_400_000), ScanOrder::Ascending);
        let scan = RowScan { table, shard: shard.into(), after: None, order, limit: 1_000 };
        rig.rows.rows.scan(&scan).await.unwrap().into_iter().map(|row| row.row.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(rows(&SLOT_HOURS).await, ["12", "13"]);
    let own = rows(&SLOTS).await.len();
    let slots = rig.slots("often").await;
    let since_noon: Vec<&str> =
        slots.iter().map(String::as_str).skip_while(|slot| !slot.starts_with("12:00")).collect();
    assert_eq!(since_noon.len(), 24, "{slots:?}");
    let others: Vec<&str> = since_noon.iter().filter(|slot| !slot.ends_with(" ok")).copied().collect();
    assert_eq!(others, ["12:20 missed", "12:25 failed"]);
    // Before noon nothing came; the three are those that are not ok, and the one that was open.
    assert_eq!(own, slots.len() - 24 + 3, "{slots:?}");
    // A plain row of a former build, in an hour that has a pack.
    let docs = rig.slot_docs("often").await;
    let last = docs.last().unwrap();
    let former = SlotDoc { at: last.at.plus_millis(1), ..last.clone() };
    rig.rows.rows.put(std::sync::Arc::new(vec![former.row(agent)]), rig.clock.now()).await.unwrap();
    assert_eq!(rig.slot_docs("often").await.len(), docs.len() + 1);
    let query = SlotQuery { agent, from: time("12:00"), to: last.at, before: Some(time("12:30")), limit: 3 };
    let before: Vec<_> = query.read(&rig.rows.rows).await.unwrap().iter().map(|slot| slot.at).collect();
    assert_eq!(before, ["12:25", "12:20", "12:15"].map(time));
}
