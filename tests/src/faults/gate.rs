//! Redis is down, hangs, forgets, dies, and is cut off in the middle of an answer.

use std::time::Duration;

use super::catalogue::Given;
use super::proxy::Mode;
use super::trial::{Pace, Trial};

const LASTS: Duration = Duration::from_secs(8);
const STORE_HANGS: Duration = Duration::from_secs(20);
const SOME: std::ops::Range<u64> = 20..100;

/// The way to Redis is so, twice.
pub async fn is(given: Given, mode: Mode) {
    let scene = given.scene();
    let mut trial = Trial::begin(scene.deployment(), Pace::STEADY, given.random, given.sheet).await;
    for _ in 0..2 {
        trial.acknowledge_some(SOME).await;
        scene.gate.set(mode);
        trial.lasts(LASTS).await;
        // Redis shapes the answers only: records are taken all the while.
        trial.acknowledge_some(SOME).await;
        scene.gate.set(Mode::Pass);
        trial.recovers().await;
    }
    trial.ends().await;
}

/// It forgets everything, again and again.
pub async fn flushed(given: Given) {
    let scene = given.scene();
    let mut trial = Trial::begin(scene.deployment(), Pace::BUSY, given.random, given.sheet).await;
    for _ in 0..5 {
        trial.acknowledge_some(SOME).await;
        scene.redis.lock().await.flush().await;
        trial.recovers().await;
    }
    trial.ends().await;
}

/// It dies, and comes back with nothing in it.
pub async fn killed(given: Given) {
    let scene = given.scene();
    let mut trial = Trial::begin(scene.deployment(), Pace::BUSY, given.random, given.sheet).await;
    for _ in 0..2 {
        trial.acknowledge_some(SOME).await;
        scene.redis.lock().await.kill();
        trial.acknowledge_some(SOME).await;
        scene.redis.lock().await.start().await;
        trial.recovers().await;
    }
    trial.ends().await;
}

/// It dies and comes back with nothing in it, and while front doors still ask the store about recent ids, the store
/// hangs: nothing is refused for that.
pub async fn killed_before_the_store_hangs(given: Given) {
    let scene = given.scene();
    let mut trial = Trial::begin(scene.deployment(), Pace::STEADY, given.random, given.sheet.clone()).await;
    trial.acknowledge_some(SOME).await;
    {
        let mut redis = scene.redis.lock().await;
        redis.kill();
        redis.start().await;
    }
    trial.recovers().await;
    // By whatever cause but a backlog.
    let is_refusal = |kind: &String| kind.starts_with("503") && kind != "503 shed";
    let refused = |trial: &Trial| -> u64 {
        trial.load().ends().into_iter().filter(|(kind, _)| is_refusal(kind)).map(|(_, count)| count).sum()
    };
    let before = refused(&trial);
    scene.store.set(Mode::Hang);
    trial.acknowledge_some(SOME).await;
    trial.lasts(STORE_HANGS).await;
    assert_eq!(refused(&trial), before, "what could be compared with nothing was refused");
    scene.store.set(Mode::Pass);
    trial.recovers().await;
    trial.ends().await;
}
