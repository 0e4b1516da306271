//! The clock of one front door leaps by an hour, forth and back; the clocks of two are minutes apart, and one
//! from the broker's.

use std::time::{Duration, Instant};

use serde_json::json;

use super::catalogue::Given;
use super::trial::{Pace, Trial};
use crate::clock::HOUR_MS;
use crate::deployment::metrics_of;
use crate::team::Agreed;
use crate::wait::eventually;
use crate::{Plan, Team};

const SOME: std::ops::Range<u64> = 40..120;
const APART_MS: i64 = 5 * 60_000;
const BURST: u32 = 10;
const VISITS: usize = 120;

pub async fn step(given: Given) {
    let scene = given.scene();
    let mut trial = Trial::begin(scene.deployment(), Pace::STEADY, given.random, given.sheet).await;
    let door = scene.server("ingest-0");
    for offset_ms in [HOUR_MS, -HOUR_MS] {
        trial.acknowledge_some(SOME).await;
        for offset_ms in [offset_ms, 0] {
            set_wrong(&trial, door.ops(), offset_ms).await;
            trial.acknowledge_some(SOME).await;
            trial.recovers().await;
        }
    }
    trial.ends().await;
}

/// One front door is five minutes ahead of the other, and a team at its limit goes to both in turn.
pub async fn apart(given: Given) {
    let scene = given.scene();
    let mut trial = Trial::begin(scene.deployment(), Pace::STEADY, given.random, given.sheet.clone()).await;
    let ahead = scene.server("ingest-0").ops().to_owned();
    trial.acknowledge_some(SOME).await;
    set_wrong(&trial, &ahead, APART_MS).await;
    let limit = Agreed { sustained_per_s: Some(1), burst: Some(BURST), ..Agreed::default() };
    let team = Team::create(scene.deployment(), Plan::Enterprise(limit)).await;
    let (since, mut taken, mut refused) = (Instant::now(), 0, 0);
    for door in scene.deployment().front_doors().iter().cycle().take(VISITS) {
        let call = team.client.call("POST", &format!("{door}/v1/heartbeats")).bearer(&team.key);
        let answer = call.json(&json!({ "agent": "nightly", "status": "ok" })).send().await;
        match answer.status {
            202 => taken += 1,
            429 => refused += 1,
            _ => panic!("neither taken nor above the limit: {answer}"),
        }
    }
    let most = u64::from(BURST) + since.elapsed().as_secs() + 1;
    given.sheet.note(format!("{taken} of {VISITS} within the limit of {most}, {refused} refused"));
    assert!((u64::from(BURST)..=most).contains(&taken), "{taken} were taken, at most {most} may be");
    trial.acknowledge_some(SOME).await;
    set_wrong(&trial, &ahead, 0).await;
    trial.recovers().await;
    trial.ends().await;
}

/// Two minutes and a half, either way: more than any record may wait. Nothing is shed for it, and the difference shows.
pub async fn apart_from_the_broker(given: Given) {
    const FROM_BROKER_MS: i64 = 150_000;
    let scene = given.scene();
    let mut trial = Trial::begin(scene.deployment(), Pace::STEADY, given.random, given.sheet.clone()).await;
    let door = scene.server("ingest-0");
    for offset_ms in [FROM_BROKER_MS, -FROM_BROKER_MS] {
        trial.acknowledge_some(SOME).await;
        set_wrong(&trial, door.ops(), offset_ms).await;
        trial.lasts(Duration::from_secs(10)).await;
        let seconds = offset_ms as f64 / 1_000.0;
        eventually(SHOWS, "the difference is told", async || {
            let told = metrics_of(door.ops()).await.greatest("tidegate_kafka_clock_difference_seconds", &[]);
            match told {
                Some(told) if (told - seconds).abs() < 5.0 => Ok(()),
                told => Err(format!("{told:?}, not {seconds}")),
            }
        })
        .await;
        set_wrong(&trial, door.ops(), 0).await;
        trial.recovers().await;
    }
    let ends = trial.load().ends();
    assert_eq!(ends.get("503 shed"), None, "no consumer was behind: {ends:?}");
    trial.ends().await;
}

/// How long a front door may take to know.
const SHOWS: Duration = Duration::from_secs(60);

/// Sets the wall clock of the process with this operations port wrong by so much.
async fn set_wrong(trial: &Trial, ops: &str, offset_ms: i64) {
    let load = trial.load();
    let moved = load.team.client.call("PUT", &format!("{ops}/test-clock"));
    let moved = moved.json(&json!({ "offset_ms": offset_ms, "wall_only": true })).send().await;
    assert!((200..300).contains(&moved.status), "{moved}");
}
