//! Consumers that are stopped, and a partition that stands.

use std::time::{Duration, Instant};

use serde_json::json;
use tidegate_tests::eventually;
use tidegate_tests::stack::foreign;

use crate::watched::{Watched, every_ten_minutes};
use crate::world::{PATIENCE, PERSISTER, World};

/// AC-23: consumers are stopped for half an hour while records come in: no message then, nor after it, but for true misses.
pub async fn ac_23_consumers_are_stopped(world: &mut World) {
    let watched = Watched::begin(world, "ac-23").await;
    for agent in ["beats", "silent"] {
        watched.agent(agent, &every_ten_minutes()).await;
    }
    world.target.at_rest().await;
    world.stop(PERSISTER).await;
    for minute in [11, 22, 33] {
        world.until_minute(minute).await;
        watched.beat("beats").await;
    }
    world.until_minute(40).await;
    world.is_behind(35).await;
    for agent in ["beats", "silent"] {
        let outcomes = eventually(PATIENCE, "the slots are read", async || watched.outcomes(agent).await).await;
        assert_eq!(outcomes, Vec::<String>::new(), "{agent}");
    }
    let made = eventually(PATIENCE, "the messages are read", async || watched.made().await).await;
    assert_eq!(made, Vec::<String>::new());
    world.start(PERSISTER, &[]).await;
    watched.slots_are("beats", &["ok", "ok", "ok"]).await;
    watched.slots_are("silent", &["missed", "missed", "missed"]).await;
    watched.incidents_are(&["silent schedule_missed open"]).await;
    watched.messages_are(world, &["silent schedule_missed firing"], 0).await;
}

/// More than the brake lets through.
const UNREADABLE: usize = 150;
/// Less than the two minutes within which others must have moved, by as much as a step may be held up.
const STEP_S: i64 = 60;
/// For so long all wait, by a judge's clock, less what it may have stood still for before the partition did.
const ALL_WAIT: Duration = Duration::from_secs(14 * 60);
/// By then a slot is over that the first beat does not cover, wherever between two slots that came: it covers one up to five
/// minutes away, and the next one ends a quarter of an hour after that. What is received is judged within a minute.
const UNCOVERED_S: i64 = 21 * 60;
const RELEASED: [(&str, &str); 2] =
    [("TIDEGATE_PERSISTER__BRAKE_RUN_LENGTH", "0"), ("TIDEGATE_PERSISTER__BRAKE_RATIO_PERCENT", "0")];

/// AC-24: one partition stands: for a quarter of an hour all wait for it, then the others go on. Slots without a run are
/// unknown; covered ones, failures and recoveries go on. Once it is released, slots are judged as always.
pub async fn ac_24_one_partition_stands(world: &mut World) {
    let watched = Watched::begin(world, "ac-24").await;
    let schedule = json!({"cron": "*/10 * * * *", "tolerance_s": 300});
    for agent in ["covered", "uncovered"] {
        watched.agent(agent, &schedule).await;
    }
    watched.agent("fails", &json!({"cron": "0 0 1 1 *", "tolerance_s": 60})).await;
    world.target.at_rest().await;
    let topic = world.target.servers().settings().records_topic();
    let stands_since = Instant::now();
    let appended = move || foreign::append_times(&topic, 0, b"{\"v\":99}", UNREADABLE);
    tokio::task::spawn_blocking(appended).await.unwrap();

    let mut second: i64 = 0;
    while world.judges().await.sum("tidegate_pulse_stalled_partitions", &[]) == 0 {
        let uncovered = watched.uncovered("uncovered").await;
        // The time that passes by itself counts, too.
        let stood = stands_since.elapsed() + Duration::from_secs(second.unsigned_abs());
        assert!(stood >= ALL_WAIT || uncovered.is_empty(), "all wait: {uncovered:?}");
        second += STEP_S;
        assert!(second < 60 * 60, "the partition stands for an hour, and all wait for it");
        covered_at(world, &watched, second).await;
    }
    for (status, edge) in [("failed", "firing"), ("success", "resolved")] {
        watched.run_elsewhere("fails", status, partitions(world)).await;
        second += STEP_S;
        covered_at(world, &watched, second).await;
        watched.makes(&format!("fails run_failed {edge}")).await;
    }
    while second < UNCOVERED_S {
        second += STEP_S;
        covered_at(world, &watched, second).await;
    }
    let unknown = eventually(PATIENCE, "slots are unknown for the log", async || {
        let found = watched.uncovered("uncovered").await;
        if found.iter().any(|outcome| outcome == "unknown log") { Ok(found) } else { Err(format!("{found:?}")) }
    })
    .await;
    // The records that cannot be read are doubt of their own, at the time of the broker's clock.
    let is_unknown = |outcome: &String| outcome == "unknown log" || outcome == "unknown dead_letters";
    assert!(unknown.iter().all(is_unknown), "{unknown:?}");

    world.stop(PERSISTER).await;
    world.start(PERSISTER, &RELEASED).await;
    world.target.at_rest().await;
    world.judges_show("tidegate_pulse_stalled_partitions", |stalled| stalled < 1.0).await;
    for _ in 0..6 {
        second += 300;
        covered_at(world, &watched, second).await;
    }
    watched.makes("uncovered schedule_missed firing").await;
    let expected = ["fails run_failed firing", "fails run_failed resolved", "uncovered schedule_missed firing"];
    watched.messages_are(world, &expected, 0).await;
    let uncovered = watched.uncovered("uncovered").await;
    let (before, after) = uncovered.split_at(uncovered.iter().position(|outcome| outcome == "missed").unwrap());
    assert!(before.len() >= unknown.len() && before.iter().all(is_unknown), "{uncovered:?}");
    assert!(after.iter().all(|outcome| outcome == "missed"), "{uncovered:?}");
    assert_eq!(watched.uncovered("covered").await, Vec::<String>::new(), "all are covered");
    world.stop(PERSISTER).await;
    world.start(PERSISTER, &[]).await;
}

fn partitions(world: &World) -> u32 {
    world.target.servers().settings().partitions
}

/// A run of `covered` at this second of the story, in a partition that goes on; waits until the judge has seen it.
async fn covered_at(world: &mut World, watched: &Watched, second: i64) {
    world.until_second(second).await;
    let world = &*world;
    let rows = async |world: &World| world.judges().await.sum("tidegate_pulse_feed_rows_total", &[]);
    let before = rows(world).await;
    watched.run_elsewhere("covered", "success", partitions(world)).await;
    eventually(PATIENCE, "the judge has seen the run", async || match rows(world).await {
        after if after > before => Ok(()),
        after => Err(format!("{before} rows, and then {after}")),
    })
    .await;
}
