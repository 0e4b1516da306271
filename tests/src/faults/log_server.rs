//! Kafka is down, slow, hangs, loses its answers, is restarted, and refuses a record for its size.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use serde_json::json;

use super::catalogue::Given;
use super::proxy::Mode;
use super::trial::{Pace, Trial};
use crate::durability::{Sent, book};
use crate::stack::Addresses;
use crate::wait::eventually;

/// How long Kafka may take to apply a new limit.
const TAKES_AGAIN: Duration = Duration::from_secs(60);
const SOME: std::ops::Range<u64> = 20..100;

/// The way to Kafka is so for that long, twice.
pub async fn is(given: Given, mode: Mode, lasts: Duration) {
    let scene = given.scene();
    let kafka = scene.kafka.as_ref().expect("a Kafka of its own");
    let mut trial = Trial::begin(scene.deployment(), Pace::STEADY, given.random, given.sheet).await;
    for _ in 0..2 {
        trial.acknowledge_some(SOME).await;
        kafka.lock().await.set(mode);
        trial.lasts(lasts).await;
        kafka.lock().await.set(Mode::Pass);
        trial.recovers().await;
    }
    trial.ends().await;
}

/// It ends in order once, and by `kill -9` once; each time it comes back on its data.
pub async fn restarted(given: Given) {
    let scene = given.scene();
    let kafka = scene.kafka.as_ref().expect("a Kafka of its own");
    let mut trial = Trial::begin(scene.deployment(), Pace::STEADY, given.random, given.sheet).await;
    for in_order in [true, false] {
        trial.acknowledge_some(SOME).await;
        let mut brokers = kafka.lock().await;
        if in_order {
            brokers.broker(0).stop();
        } else {
            brokers.broker(0).kill();
        }
        brokers.broker(0).start();
        brokers.is_whole().await;
        drop(brokers);
        trial.recovers().await;
    }
    trial.ends().await;
}

/// It takes only small records for a while: large ones are refused, small ones continue.
pub async fn limits_records(given: Given) {
    const FEW_BYTES: &str = "20000";
    const AMPLE_BYTES: &str = "8388608";
    let scene = given.scene();
    let mut trial = Trial::begin(scene.deployment(), Pace::STEADY, given.random, given.sheet.clone()).await;
    trial.acknowledge_some(SOME).await;
    limit(&scene, FEW_BYTES).await;
    let load = trial.load();
    let (team, mut refused) = (&load.team, Vec::new());
    while refused.len() < 5 {
        let run = team.run_id();
        let events: Vec<_> = (0..50).map(|_| book::event(&team.event_id())).collect();
        let padded = events.into_iter().map(|mut event| {
            event["data"]["padding"] = json!("z".repeat(1_000));
            event
        });
        let answer = team.events(&run, &json!({"events": padded.collect::<Vec<_>>()})).await;
        // Until the brokers apply the limit, such a record is accepted. Then it is the operator's to repair: the
        // client did nothing wrong.
        match answer.status {
            202 => {}
            503 => {
                assert!(answer.retry_after_s() > 0);
                refused.push(run);
            }
            _ => panic!("a record over the broker's limit: {answer}"),
        }
    }
    // Whoever refused it has left nothing behind: its run can be opened, and is empty.
    limit(&scene, AMPLE_BYTES).await;
    for run in &refused {
        load.book.sending(&[Sent::Start { run: run.clone() }]);
        eventually(TAKES_AGAIN, "a start is taken", async || match team.start(&book::start(run)).await {
            answer if answer.status < 300 => Ok(()),
            answer => Err(answer.to_string()),
        })
        .await;
        load.book.acknowledged(&[Sent::Start { run: run.clone() }]);
    }
    let refused = refused.len() as u64;
    given.sheet.open().times += refused - 1;
    trial.acknowledge_some(SOME).await;
    trial.recovers().await;
    trial.ends().await;
}

async fn limit(scene: &super::Scene, bytes: &str) {
    let settings = scene.target.servers().settings();
    let brokers = settings.kafka.clone().unwrap_or_else(|| Addresses::found().kafka);
    let mut config = rdkafka::ClientConfig::new();
    config.set("bootstrap.servers", brokers);
    let admin: AdminClient<DefaultClientContext> = config.create().expect("plain options");
    let topic = settings.records_topic();
    let changed = AlterConfig::new(ResourceSpecifier::Topic(&topic)).set("max.message.bytes", bytes);
    // What is not said goes back to Kafka's own default.
    let changed = changed.set("message.timestamp.type", "LogAppendTime").set("unclean.leader.election.enable", "false");
    let changed = admin.alter_configs(&[changed], &AdminOptions::new()).await.expect("a broker answers");
    assert!(changed.iter().all(Result::is_ok), "{changed:?}");
}
