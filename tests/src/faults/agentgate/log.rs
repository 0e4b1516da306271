//! Kafka is away, or one of its brokers, whose partitions have no leader then.

use std::time::Duration;

use super::trial::{GateTrial, STEADY, only};
use crate::faults::catalogue::Given;
use crate::faults::proxy::Mode;

const SOME: std::ops::Range<u64> = 10..60;
/// What clients and workers may be answered meanwhile.
const ANSWERS: [&str; 4] = ["503 log_refused", "504 undecided", "503 shed", "503 expired"];
const NO_LEADER: Duration = Duration::from_secs(20);

/// The way to every broker is so for that long.
pub async fn is(given: Given, mode: Mode, lasts: Duration) {
    let scene = given.scene();
    let kafka = scene.kafka.as_ref().expect("a Kafka of its own");
    let mut trial = GateTrial::begin(&given, STEADY).await;
    trial.accepts_some(SOME).await;
    kafka.lock().await.set(mode);
    let ends = trial.lasts(lasts).await;
    only(&ANSWERS, &ends);
    kafka.lock().await.set(Mode::Pass);
    trial.recovers().await;
    trial.ends().await;
}

/// `kill -9` of each broker in turn: its partitions have no leader until it is back, and others are decided all the while.
pub async fn without_leaders(given: Given) {
    let scene = given.scene();
    let kafka = scene.kafka.as_ref().expect("a Kafka of its own");
    let mut trial = GateTrial::begin(&given, STEADY).await;
    for number in 0..3 {
        trial.accepts_some(SOME).await;
        kafka.lock().await.broker(number).kill();
        let ends = trial.lasts(NO_LEADER).await;
        only(&ANSWERS, &ends);
        let mut brokers = kafka.lock().await;
        brokers.broker(number).start();
        brokers.is_whole().await;
        drop(brokers);
        trial.recovers().await;
    }
    trial.ends().await;
}
