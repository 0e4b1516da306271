//! The clock of one front door leaps by an hour, forth and back; the clocks of two are minutes apart.

use std::time::Instant;

use serde_json::json;

use super::catalogue::Given;
use super::trial::{Pace, Trial};
use crate::clock::HOUR_MS;
use crate::team::Agreed;
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

/// Sets the wall clock of the process with this operations port wrong by so much.
async fn set_wrong(trial: &Trial, ops: &str, offset_ms: i64) {
    let load = trial.load();
    let moved = load.team.client.call("PUT", &format!("{ops}/test-clock"));
    let moved = moved.json(&json!({ "offset_ms": offset_ms, "wall_only": true })).send().await;
    assert!((200..300).contains(&moved.status), "{moved}");
}
