//! Records that cannot be decoded, and a release that can decode none.

use std::collections::BTreeSet;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};

use super::catalogue::Given;
use super::scene::Scene;
use super::trial::{Pace, Trial};
use crate::stack::{Addresses, LogClient};
use crate::wait::eventually;

const SOME: std::ops::Range<u64> = 20..80;
const RECORDS: u64 = 60;
const DELIVERS: Duration = Duration::from_secs(90);
const BURIES: Duration = Duration::from_secs(120);

/// Another program writes to the topic: each such record becomes one dead letter, and those around it are stored.
pub async fn records(given: Given) {
    let scene = given.scene();
    let mut trial = Trial::begin(scene.deployment(), Pace::STEADY, given.random, given.sheet.clone()).await;
    let before = buried(&scene).await.len();
    for _ in 0..3 {
        trial.acknowledge_some(SOME).await;
        let settings = scene.target.servers().settings();
        let payloads: Vec<Vec<u8>> = (0..RECORDS / 3).map(|_| payload(trial.random.draw())).collect();
        let topic = settings.records_topic();
        let partitions = u64::from(settings.partitions);
        let places: Vec<i32> = payloads
            .iter()
            .map(|_| i32::try_from(trial.random.within(0..partitions)).expect("few partitions"))
            .collect();
        let written = move || write(&Addresses::found().kafka, &topic, &payloads, &places);
        tokio::task::spawn_blocking(written).await.expect("every record is taken");
        trial.recovers().await;
    }
    let expected = before + usize::try_from(RECORDS).expect("it is small");
    let letters = eventually(BURIES, "each has a dead letter", async || match buried(&scene).await {
        letters if letters.len() >= expected => Ok(letters),
        letters => Err(format!("{} of {expected}", letters.len())),
    })
    .await;
    assert_eq!(letters.len(), expected, "each record that cannot be read has one letter, as told by where it stood");
    trial.ends().await;
}

/// Rubbish of several kinds.
fn payload(draw: u64) -> Vec<u8> {
    match draw % 4 {
        0 => Vec::new(),
        1 => draw.to_le_bytes().to_vec(),
        2 => format!("{{\"v\":1,\"team\":\"{draw}\"").into_bytes(),
        _ => format!("{{\"v\":{draw}}}").into_bytes(),
    }
}

pub(super) fn write(brokers: &str, topic: &str, payloads: &[Vec<u8>], places: &[i32]) {
    let producer: ThreadedProducer<DefaultProducerContext> =
        ClientConfig::new().set("bootstrap.servers", brokers).create().expect("plain options");
    for (payload, place) in payloads.iter().zip(places) {
        let record = BaseRecord::<(), [u8]>::to(topic).payload(payload).partition(*place);
        producer.send(record).map_err(|(error, _)| error).expect("the queue has room");
    }
    producer.flush(DELIVERS).expect("a broker takes them");
}

/// The positions of the records of all dead letters.
pub(super) async fn buried(scene: &Scene) -> BTreeSet<String> {
    let settings = scene.target.servers().settings();
    let log = LogClient::connect(&Addresses::found(), &settings.dead_letters_topic(), "none");
    let letters = log.records().await.expect("the letters can be read");
    let place = |seen: &crate::stack::Seen| {
        let text = |name: &str| String::from_utf8_lossy(seen.headers.get(name).map_or(&[], Vec::as_slice)).into_owned();
        ["generation", "partition", "offset"].map(|part| text(&format!("tidegate-{part}"))).join("/")
    };
    letters.iter().map(place).collect()
}
