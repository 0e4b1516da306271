//! The records of a topic as a file: one JSON line each.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde::{Deserialize, Serialize};

use super::files;
use crate::stack::log_client::config;
use crate::stack::{Addresses, LogClient, Settings};

const DELIVERED: Duration = Duration::from_secs(60);
const FILE: &str = "topic.jsonl";

/// A topic's records, in the order of their partitions and offsets.
#[derive(Debug)]
pub struct Topic(Vec<Record>);

#[derive(Debug, Deserialize, Serialize)]
struct Record {
    partition: i32,
    offset: i64,
    key: String,
    headers: BTreeMap<String, String>,
    payload: String,
}

impl Topic {
    /// All that stands on a deployment's topic.
    pub async fn of(settings: &Settings, stack: &Addresses) -> Self {
        let client = LogClient::connect(stack, &settings.records_topic(), &settings.group());
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let records = client.records().await.unwrap().into_iter().map(|seen| Record {
            partition: seen.partition,
            offset: seen.offset,
            key: text(seen.key.unwrap_or_default()),
            headers: seen.headers.into_iter().map(|(name, value)| (name, text(value))).collect(),
            payload: text(seen.payload),
        });
        Topic(records.collect())
    }

    pub fn write(&self) {
        let lines: String = self.0.iter().map(|record| serde_json::to_string(record).unwrap() + "\n").collect();
        std::fs::write(files().join(FILE), lines).unwrap();
    }

    pub fn read() -> Self {
        let text = std::fs::read_to_string(files().join(FILE)).unwrap();
        Topic(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
    }

    /// Puts the records where they stood, byte for byte, onto a new topic.
    ///
    /// # Panics
    /// If one lands elsewhere.
    pub async fn append_to(&self, settings: &Settings, stack: &Addresses) {
        let producer: BaseProducer = config(&stack.kafka).create().unwrap();
        let topic = settings.records_topic();
        for record in &self.0 {
            let headers = record.headers.iter().fold(OwnedHeaders::new(), |all, (key, value)| {
                all.insert(Header { key, value: Some(value.as_bytes()) })
            });
            let sent = BaseRecord::to(&topic).partition(record.partition).headers(headers);
            let sent = sent.key(record.key.as_bytes()).payload(record.payload.as_bytes());
            producer.send(sent).map_err(|(error, _)| error).unwrap();
        }
        producer.flush(DELIVERED).unwrap();
        let landed = Topic::of(settings, stack).await;
        let places = |topic: &Topic| {
            topic.0.iter().map(|one| (one.partition, one.offset, one.payload.clone())).collect::<Vec<_>>()
        };
        assert_eq!(places(&landed), places(self), "each record stands where it stood");
    }
}
