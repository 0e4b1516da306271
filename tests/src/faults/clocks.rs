//! The clock of one front door leaps by an hour, forth and back.

use serde_json::json;

use super::catalogue::Given;
use super::trial::{Pace, Trial};
use crate::clock::HOUR_MS;

const SOME: std::ops::Range<u64> = 40..120;

pub async fn step(given: Given) {
    let scene = given.scene();
    let mut trial = Trial::begin(scene.deployment(), Pace::STEADY, given.random, given.sheet).await;
    let door = scene.server("ingest-0");
    for offset_ms in [HOUR_MS, -HOUR_MS] {
        trial.acknowledge_some(SOME).await;
        for offset_ms in [offset_ms, 0] {
            let load = trial.load();
            let moved = load.team.client.call("PUT", &format!("{}/test-clock", door.ops()));
            let moved = moved.json(&json!({ "offset_ms": offset_ms })).send().await;
            assert!((200..300).contains(&moved.status), "{moved}");
            trial.acknowledge_some(SOME).await;
            trial.recovers().await;
        }
    }
    trial.ends().await;
}
