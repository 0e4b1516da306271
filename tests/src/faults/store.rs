//! The store is down, slow, hangs, and fails now and then.

use std::time::Duration;

use super::catalogue::Given;
use super::proxy::Mode;
use super::trial::{Pace, Trial};

const SOME: std::ops::Range<u64> = 20..60;

/// The way to the store is so for that long.
pub async fn is(given: Given, mode: Mode, lasts: Duration) {
    let scene = given.scene();
    let letters = dead_letters(&scene).await;
    let mut trial = Trial::begin(scene.deployment(), Pace::STEADY, given.random, given.sheet.clone()).await;
    trial.acknowledge_some(SOME).await;
    let cut = scene.store.cut();
    scene.store.set(mode);
    // Credentials come from a cache, and records wait on the log: it is accepted all the while, until shedding begins.
    trial.acknowledge_some(SOME).await;
    trial.lasts(lasts).await;
    scene.store.set(Mode::Pass);
    trial.recovers().await;
    let cut = scene.store.cut() - cut;
    if cut > 0 {
        given.sheet.note(format!("{cut} connections to the store were cut"));
    }
    trial.ends().await;
    assert_eq!(dead_letters(&scene).await, letters, "an outage of the store made dead letters");
}

async fn dead_letters(scene: &super::Scene) -> u64 {
    scene.target.metrics().await.sum("tidegate_records_total", &[("outcome", "dead_lettered")])
}
