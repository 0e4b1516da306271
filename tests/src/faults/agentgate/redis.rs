//! Redis is away, hangs, and forgets: clients are refused while their requests cannot be counted, and no decision depends
//! on it.

use std::time::Duration;

use super::trial::{BUSY, GateTrial, STEADY, only};
use crate::faults::catalogue::Given;
use crate::faults::proxy::Mode;

const SOME: std::ops::Range<u64> = 10..60;
const LASTS: Duration = Duration::from_secs(5);
const UNCOUNTED: &str = "503 limits_unavailable";

/// The way to Redis is so. Workers go on, and clients are refused, without a trace.
pub async fn is(given: Given, mode: Mode) {
    let scene = given.scene();
    let mut trial = GateTrial::begin(&given, STEADY).await;
    trial.accepts_some(SOME).await;
    scene.gate.set(mode);
    trial.ends_in(UNCOUNTED).await;
    let ends = trial.lasts_without_success(LASTS).await;
    let of = |kind: &str| ends.get(kind).copied().unwrap_or(0);
    assert!(of(UNCOUNTED) > 0 && of("2xx") > 0, "clients are refused, and workers served: {ends:?}");
    only(&[UNCOUNTED], &ends);
    scene.gate.set(Mode::Pass);
    trial.recovers().await;
    trial.ends().await;
}

/// It forgets everything, again and again: counts begin anew, and a key that was in use still has one run.
pub async fn flushed(given: Given) {
    let scene = given.scene();
    let mut trial = GateTrial::begin(&given, BUSY).await;
    for _ in 0..5 {
        trial.accepts_some(SOME).await;
        scene.redis.lock().await.flush().await;
        trial.recovers().await;
    }
    trial.ends().await;
}
