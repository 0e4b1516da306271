//! The store is away, or hangs.

use std::time::Duration;

use super::trial::{GateTrial, STEADY, only};
use crate::faults::catalogue::Given;
use crate::faults::proxy::Mode;

const SOME: std::ops::Range<u64> = 10..60;
const REFUSED: &str = "503 store_unavailable";
/// What clients and workers may be answered meanwhile.
const ANSWERS: [&str; 4] = [REFUSED, "504 undecided", "503 shed", "503 expired"];

/// The way to the store is so for that long. Deciders wait, and pass nothing over.
pub async fn is(given: Given, mode: Mode, lasts: Duration) {
    let scene = given.scene();
    let mut trial = GateTrial::begin(&given, STEADY).await;
    trial.accepts_some(SOME).await;
    scene.store.set(mode);
    trial.ends_in(REFUSED).await;
    let ends = trial.lasts_without_success(lasts).await;
    only(&ANSWERS, &ends);
    scene.store.set(Mode::Pass);
    trial.recovers().await;
    trial.ends().await;
}
