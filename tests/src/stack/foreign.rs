//! A Kafka client that knows nothing of Tidegate, as an operator or another team has one.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::Addresses;

const ANSWERS: Duration = Duration::from_secs(60);

fn plain() -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", Addresses::found().kafka);
    config
}

/// Appends one message.
///
/// # Panics
/// If the broker does not take it.
pub fn append(topic: &str, partition: i32, key: &[u8], headers: &[(&str, &[u8])], payload: &[u8]) {
    let producer: BaseProducer = plain().create().expect("plain options");
    let all =
        headers.iter().fold(OwnedHeaders::new(), |all, (key, value)| all.insert(Header { key, value: Some(*value) }));
    let record = BaseRecord::to(topic).partition(partition).key(key).payload(payload).headers(all);
    producer.send(record).map_err(|(error, _)| error).expect("queued");
    producer.flush(ANSWERS).expect("delivered");
}

/// Appends the same payload so many times.
///
/// # Panics
/// If the broker does not take them.
pub fn append_times(topic: &str, partition: i32, payload: &[u8], times: usize) {
    let producer: BaseProducer = plain().create().expect("plain options");
    for _ in 0..times {
        let record = BaseRecord::<(), [u8]>::to(topic).partition(partition).payload(payload);
        producer.send(record).map_err(|(error, _)| error).expect("queued");
    }
    producer.flush(ANSWERS).expect("delivered");
}

/// Commits an offset for a group without members.
///
/// # Panics
/// If the broker refuses it.
pub fn commit(group: &str, topic: &str, partition: i32, offset: i64) {
    let client: BaseConsumer = plain().set("group.id", group).create().expect("plain options");
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, partition, Offset::Offset(offset)).expect("an offset");
    client.commit(&list, CommitMode::Sync).expect("committed");
}
