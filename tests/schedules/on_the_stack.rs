//! Schedules on a bad day of the pipeline: consumers, front doors, servers and judges are stopped, stalled and killed, on
//! the real stack and under a clock that the tests move. No alert is false, none is lost, and none is sent twice but under
//! one id.

#![allow(clippy::unwrap_used, reason = "this is test code: a panic is how it reports")]

mod consumers;
mod front_doors;
mod judges;
mod replayed;
mod servers;
mod watched;
mod world;

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use world::World;

/// The program under test.
const BINARY: &str = env!("CARGO_BIN_EXE_tidegate-under-test");

type Story = for<'w> fn(&'w mut World) -> LocalBoxFuture<'w, ()>;

/// One after another, on one deployment: its clocks only move on.
const STORIES: [(&str, Story); 8] = [
    ("consumers are stopped", |world| consumers::ac_23_consumers_are_stopped(world).boxed_local()),
    ("no judge runs", |world| judges::ac_23_no_judge_runs(world).boxed_local()),
    ("a judge dies", |world| judges::ac_35_a_judge_dies_between_incident_and_delivery(world).boxed_local()),
    ("two judges at once", |world| judges::ac_35_two_judges_at_once(world).boxed_local()),
    ("no front door is ready", |world| front_doors::ac_25_no_front_door_is_ready_over_a_slot(world).boxed_local()),
    ("the store is gone", |world| servers::ac_23_the_store_is_gone(world).boxed_local()),
    ("the log is replayed", |world| replayed::ac_28_the_whole_log_is_replayed(world).boxed_local()),
    ("one partition stands", |world| consumers::ac_24_one_partition_stands(world).boxed_local()),
];

/// `TIDEGATE_TEST_STORY` names one of them, to run it alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_alert_is_false_and_none_is_lost_or_sent_twice() {
    let asked = std::env::var_os("TIDEGATE_TEST_STORY").and_then(|asked| asked.into_string().ok());
    let mut world = World::begin().await;
    let mut failed = Vec::new();
    for (name, story) in STORIES.into_iter().filter(|(name, _)| asked.as_deref().is_none_or(|asked| asked == *name)) {
        world.whole().await;
        println!("{name}, from {} minutes on", world.minute());
        if AssertUnwindSafe(story(&mut world)).catch_unwind().await.is_err() {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "{failed:?}:\n{}", world.target.log());
}
