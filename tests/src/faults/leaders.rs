//! Three brokers, and the one that leads a partition dies under load.

use super::catalogue::Given;
use super::trial::{Pace, Trial};

const SOME: std::ops::Range<u64> = 50..150;
const TIMES: i32 = 3;

pub async fn killed(given: Given) {
    let scene = given.scene();
    let kafka = scene.kafka.as_ref().expect("a Kafka of its own");
    let topic = scene.target.servers().settings().records_topic();
    let mut trial = Trial::begin(scene.deployment(), Pace::STEADY, given.random, given.sheet).await;
    for partition in 0..TIMES {
        trial.acknowledge_some(SOME).await;
        let leader = kafka.lock().await.leader(&topic, partition).await;
        kafka.lock().await.broker(leader).kill();
        // The other two continue.
        trial.acknowledge_some(SOME).await;
        trial.recovers().await;
        let mut brokers = kafka.lock().await;
        brokers.broker(leader).start();
        brokers.is_whole().await;
    }
    trial.ends().await;
}
