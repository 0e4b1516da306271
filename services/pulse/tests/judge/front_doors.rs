//! Doubt of front doors: what they refused, and when none was ready.

use std::sync::Arc;

use serde_json::json;
use tidegate_agentping::HeartbeatStatus;
use tidegate_agentping_ports::{ReadySpan, RefusedMinute};
use tidegate_agentping_pulse::DoubtReason;
use tidegate_agentping_testkit::team;
use tidegate_ports::{Clock, Rows};

use crate::rig::{Rig, time};

impl Rig {
    async fn ready(&self, number: u64, from: &str, to: &str) {
        let row = ReadySpan { from: time(from), to: time(to) }.row("door-1", number);
        self.rows.rows.put(Arc::new(vec![row]), self.clock.now()).await.unwrap();
    }

    async fn refused(&self, minute: &str, openings: u64, refused: u64, teams: &[u128]) {
        let of_teams = teams.iter().map(|number| (team(*number), 1)).collect();
        let row = RefusedMinute { openings, refused, of_teams }.row("door-1", time(minute));
        self.rows.rows.put(Arc::new(vec![row]), self.clock.now()).await.unwrap();
    }
}

/// AC-25: no front door was ready over a slot's window: unknown, and no message; the next slot without a run is missed.
#[tokio::test(start_paused = true)]
async fn ac_25_an_outage_of_front_doors_is_unknown() {
    let mut rig = Rig::new().await;
    rig.agent("hourly", json!({"cron": "0 * * * *", "tolerance_s": 600})).await;
    rig.ready(0, "11:00", "11:55").await;
    rig.to("11:55:01").await;
    rig.ready(1, "12:40", "13:20").await;
    rig.to("13:20").await;
    let slots = rig.slot_docs("hourly").await;
    assert_eq!(rig.slots("hourly").await, ["12:00 unknown", "13:00 missed"]);
    assert_eq!(slots[0].reason, Some(DoubtReason::FrontDoor));
    assert_eq!(rig.messages(), ["13:10 hourly schedule_missed firing"]);
}

/// AC-26: a run that was open over such an outage is not stuck, since its end may have been lost.
#[tokio::test(start_paused = true)]
async fn ac_26_a_run_over_an_outage_is_not_stuck() {
    let mut rig = Rig::new().await;
    rig.agent("long", json!({"cron": "50 11 * * *", "tolerance_s": 600, "max_runtime_s": 1_200})).await;
    rig.to("11:50").await;
    rig.open(1, "long").await;
    rig.ready(0, "11:00", "11:55").await;
    rig.to("11:55:01").await;
    rig.ready(1, "12:05", "12:30").await;
    rig.to("12:30").await;
    assert_eq!(rig.messages(), Vec::<String>::new());
    rig.beat(2, "long", HeartbeatStatus::Ok).await;
    rig.open(3, "long").await;
    rig.ready(1, "12:05", "13:10").await;
    rig.to("13:10").await;
    assert_eq!(rig.messages(), ["12:50 long run_stuck firing"]);
}

/// 2.4: an opening of the team was refused in the minutes that count: unknown for that team. One in a hundred refused:
/// unknown for all.
#[tokio::test(start_paused = true)]
async fn refused_openings_are_doubt_of_their_team_or_of_all() {
    let mut rig = Rig::new().await;
    rig.agent("hourly", json!({"cron": "0 * * * *", "tolerance_s": 600})).await;
    rig.refused("12:03", 1_000, 1, &[1]).await;
    rig.refused("13:03", 1_000, 9, &[2]).await;
    rig.refused("14:08", 1_000, 10, &[2]).await;
    rig.refused("15:30", 1_000, 500, &[1]).await;
    rig.to("14:30").await;
    assert_eq!(rig.slots("hourly").await, ["12:00 unknown", "13:00 missed", "14:00 unknown"]);
    rig.to("15:20").await;
    assert_eq!(rig.slots("hourly").await.last().unwrap(), "15:00 missed", "what comes after the deadline is no doubt");
}

/// The judge waits for what front doors say, but not for one that has gone.
#[tokio::test(start_paused = true)]
async fn the_judge_waits_for_front_doors_that_are_there() {
    let mut rig = Rig::new().await;
    rig.agent("hourly", json!({"cron": "0 * * * *", "tolerance_s": 600})).await;
    rig.ready(0, "11:00", "11:30").await;
    rig.to("11:30").await;
    rig.to("12:15").await;
    assert_eq!(rig.slots("hourly").await, Vec::<String>::new(), "whether one was ready is not known yet");
    rig.ready(0, "11:00", "12:15").await;
    rig.turn().await;
    assert_eq!(rig.slots("hourly").await, ["12:00 missed"]);
    rig.to("13:15").await;
    assert_eq!(rig.slots("hourly").await.len(), 1);
    tokio::time::advance(std::time::Duration::from_secs(16)).await;
    rig.turn().await;
    assert_eq!(rig.slots("hourly").await, ["12:00 missed", "13:00 unknown"]);
    assert!(rig.clock.now() >= time("13:15"));
}

/// A judge that starts again while its clock is behind what was judged finds the same by its old state.
#[tokio::test(start_paused = true)]
async fn a_gap_stays_known_over_a_restart_with_a_clock_that_is_behind() {
    let mut rig = Rig::new().await;
    rig.agent("hourly", json!({"cron": "0 * * * *", "tolerance_s": 600})).await;
    rig.ready(0, "11:00", "11:55").await;
    rig.to("11:55:01").await;
    rig.ready(1, "12:05", "12:40").await;
    rig.to("12:40").await;
    assert_eq!(rig.slots("hourly").await, ["12:00 unknown"]);
    rig.clock.set(time("11:56"));
    rig.start().await;
    rig.turn().await;
    rig.ready(2, "12:40", "13:00").await;
    rig.to("13:00").await;
    assert_eq!((rig.slots("hourly").await, rig.messages()), (vec!["12:00 unknown".to_owned()], vec![]));
}
