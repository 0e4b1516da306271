//! What no real broker can be asked for: throttling errors, and answers that make an idempotent producer give up.
//! librdkafka's own mock cluster gives them to the adapter, and the same ledger is kept: what was acknowledged is on
//! the topic exactly once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use rdkafka::{Offset, TopicPartitionList};
use tidegate_agentping::{RunId, RunKey, TeamId};
use tidegate_kafka::{KafkaLog, KafkaOptions, Topics};
use tidegate_kernel::Region;
use tidegate_ports::{Append, AppendError, SystemClock};

use super::catalogue::Given;
use crate::wait::eventually;

type Mock = MockCluster<'static, DefaultProducerContext>;

const PARTITIONS: i32 = 3;
const RECORDS_A_ROUND: u64 = 200;
const TIMES: u64 = 5;
const RECOVERS: Duration = Duration::from_secs(120);
const READS: Duration = Duration::from_secs(90);

/// The outcome of each record, by its number.
type Ledger = BTreeMap<u64, Result<(), AppendError>>;

/// The brokers throttle by errors, many in a row.
pub async fn throttled(given: Given) {
    let error = RDKafkaRespErr::RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED;
    answered_with(given, error, 40).await;
}

/// The broker reports that the producer's sequence numbers make no sense: it cannot know any more what was written, and
/// is replaced.
pub async fn fatal(given: Given) {
    let error = RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
    answered_with(given, error, 1).await;
}

async fn answered_with(mut given: Given, error: RDKafkaRespErr, most: u64) {
    let cluster = Mock::new(1).expect("a mock cluster");
    let mut options = KafkaOptions::new(cluster.bootstrap_servers(), Topics::named("mock", Region::Eu, 1), 3);
    options.append.request_timeout = Duration::from_secs(1);
    options.append.message_timeout = Duration::from_secs(4);
    cluster.create_topic(&options.topics.records, PARTITIONS, 1).expect("a topic");
    let topic = options.topics.records.clone();
    let log = KafkaLog::connect(options, Arc::new(SystemClock)).expect("a log");
    let mut ledger = Ledger::new();
    append(&log, &mut ledger).await;
    for _ in 0..TIMES {
        let errors = given.random.within(1..most + 1);
        cluster.request_errors(RDKafkaApiKey::Produce, &vec![error; usize::try_from(errors).expect("it is small")]);
        append(&log, &mut ledger).await;
        let since = Instant::now();
        eventually(RECOVERS, "a record is taken again", async || {
            let number = ledger.len() as u64;
            let fate = append_one(log.clone(), number).await;
            ledger.insert(number, fate.clone());
            fate.map_err(|error| error.to_string())
        })
        .await;
        given.sheet.recovered(since.elapsed());
        given.sheet.open().times += 1;
    }
    let servers = cluster.bootstrap_servers();
    let found = tokio::task::spawn_blocking(move || read_all(&servers, &topic)).await.expect("the topic can be read");
    judge(&given, &ledger, &found);
}

/// What is on the topic compared with what was answered.
fn judge(given: &Given, ledger: &Ledger, found: &BTreeMap<u64, u64>) {
    let mut row = given.sheet.open();
    row.requests = ledger.len() as u64;
    for (number, fate) in ledger {
        let times = found.get(number).copied().unwrap_or(0);
        match fate {
            Ok(()) => {
                row.acknowledged += 1;
                row.lost += u64::from(times == 0);
            }
            Err(AppendError::NotPersisted(_)) => {
                *row.failed_by_kind.entry("503 log_unavailable".to_owned()).or_insert(0) += 1;
                // Told that it is certainly not there.
                row.doubled += times;
            }
            Err(AppendError::Unknown(_)) => {
                *row.failed_by_kind.entry("503 outcome_unknown".to_owned()).or_insert(0) += 1;
            }
            Err(AppendError::TooLarge { .. }) => panic!("a small record is too large"),
        }
        row.doubled += times.saturating_sub(1);
    }
    assert!(found.keys().all(|number| ledger.contains_key(number)), "the topic holds records that were not sent");
}

async fn append(log: &KafkaLog, ledger: &mut Ledger) {
    let first = ledger.len() as u64;
    let appends =
        (first..first + RECORDS_A_ROUND).map(|number| (number, tokio::spawn(append_one(log.clone(), number))));
    for (number, append) in appends.collect::<Vec<_>>() {
        ledger.insert(number, append.await.expect("an append ends"));
    }
}

async fn append_one(log: KafkaLog, number: u64) -> Result<(), AppendError> {
    let birth = 0x0190_0000_0000_7000_8000_0000_0000_0000;
    let key = RunKey {
        team: TeamId::from_bits(Region::Eu, birth),
        run: RunId::from_bits(Region::Eu, birth + u128::from(number)),
    };
    log.append(key.log_key(), Bytes::from(number.to_string())).await.map(drop)
}

/// How often each number stands on the topic.
fn read_all(servers: &str, topic: &str) -> BTreeMap<u64, u64> {
    let mut config = ClientConfig::new();
    let consumer: BaseConsumer =
        config.set("bootstrap.servers", servers).set("group.id", "reader").create().expect("plain options");
    let mut list = TopicPartitionList::new();
    let mut left = 0;
    for partition in 0..PARTITIONS {
        let (first, end) = consumer.fetch_watermarks(topic, partition, READS).expect("watermarks");
        left += end - first;
        list.add_partition_offset(topic, partition, Offset::Beginning).expect("a partition");
    }
    consumer.assign(&list).expect("assigned");
    let mut found = BTreeMap::new();
    while left > 0 {
        let message = consumer.poll(READS).expect("what is there comes").expect("a message");
        let text = std::str::from_utf8(message.payload().unwrap_or_default()).expect("a number");
        *found.entry(text.parse().expect("a number")).or_insert(0) += 1;
        left -= 1;
    }
    found
}
