//! Topics of one's own on the real Kafka, and clients that know nothing of the adapter.

use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::OwnedMessage;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tidegate_agentping::{RunId, RunKey, TeamId};
use tidegate_kafka::{KafkaLog, KafkaOptions, TopicLayout, Topics, topics};
use tidegate_kernel::{LogKey, Region};
use tidegate_ports::{Clock, Retention, SystemClock};

/// Nothing here takes longer on a working Kafka, however slow the machine.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Where the real Kafka is.
#[expect(clippy::disallowed_methods, reason = "a variable gives tests the address of the stack")]
pub fn brokers() -> String {
    let brokers = std::env::var("TIDEGATE_TEST_KAFKA").unwrap_or_else(|_| "127.0.0.1:19092".to_owned());
    let address = brokers.to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
    let reached = address.map(|address| TcpStream::connect_timeout(&address, Duration::from_secs(5)));
    assert!(matches!(reached, Some(Ok(_))), "no Kafka at {brokers}: start the real stack: make stack-up");
    brokers
}

pub fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

pub fn random() -> String {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).expect("randomness");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn key(number: u128) -> LogKey {
    run_key(number).log_key()
}

pub fn run_key(number: u128) -> RunKey {
    let birth = 0x0190_0000_0000_7000_8000_0000_0000_0000;
    RunKey { team: TeamId::from_bits(Region::Eu, birth), run: RunId::from_bits(Region::Eu, birth + number) }
}

/// Topics that go when this goes.
pub struct Fresh {
    pub options: KafkaOptions,
    pub layout: TopicLayout,
}

impl Fresh {
    /// Options with new topic names; no topic is created yet.
    pub fn named(partitions: u32) -> Fresh {
        let topics = Topics::named(&format!("test-{}", random()), Region::Eu, 7);
        let mut options = KafkaOptions::new(brokers(), topics, partitions);
        options.append.max_record_bytes = 256 * 1024;
        // Longer than a busy machine keeps a client or the broker from its turn.
        options.append.request_timeout = Duration::from_secs(30);
        options.append.message_timeout = Duration::from_secs(60);
        options.consume.session_timeout = Duration::from_secs(30);
        options.consume.drain_deadline = Duration::from_secs(25);
        let retention = Retention { max_age_ms: 60 * 60 * 1_000, max_bytes: u64::MAX };
        Fresh { options, layout: TopicLayout { partitions, replication: 1, min_insync_replicas: 1, retention } }
    }

    pub async fn topics(partitions: u32) -> Fresh {
        let fresh = Fresh::named(partitions);
        topics::create(&fresh.options, &fresh.layout).await.expect("topics");
        fresh
    }

    pub fn log(&self) -> KafkaLog {
        KafkaLog::connect(self.options.clone(), clock()).expect("a log")
    }

    pub fn records(&self) -> &str {
        &self.options.topics.records
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        let topics = self.options.topics.clone();
        let deleting = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let delete = async {
                let names = [topics.records.as_str(), topics.dead_letters.as_str()];
                let _ = admin().delete_topics(&names, &AdminOptions::new()).await;
            };
            runtime.block_on(delete);
        });
        let _ = deleting.join();
    }
}

/// A client's configuration with nothing of ours.
pub fn plain() -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers());
    config
}

pub fn admin() -> AdminClient<DefaultClientContext> {
    plain().create().expect("an admin client")
}

/// Polls until it is so.
pub async fn wait_until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is_so().await {
        assert!(Instant::now() < deadline, "not reached: {what}");
        tokio::task::yield_now().await;
    }
}

/// All messages of a topic, read without the adapter; there must be `count`, and no more.
pub fn read_all(topic: &str, partitions: i32, count: usize) -> Vec<OwnedMessage> {
    let reader: BaseConsumer = plain().set("group.id", format!("{topic}.reader")).create().expect("a reader");
    let mut list = TopicPartitionList::new();
    let mut ends = 0;
    for partition in 0..partitions {
        let (first, end) = reader.fetch_watermarks(topic, partition, DEADLINE).expect("watermarks");
        ends += end - first;
        list.add_partition_offset(topic, partition, Offset::Beginning).expect("a partition");
    }
    assert_eq!(usize::try_from(ends), Ok(count), "as many as stand on the topic");
    reader.assign(&list).expect("assigned");
    let deadline = Instant::now() + DEADLINE;
    let mut messages = Vec::new();
    while messages.len() < count {
        assert!(Instant::now() < deadline, "only {} of {count} messages came", messages.len());
        if let Some(message) = reader.poll(Duration::from_millis(100)) {
            messages.push(message.expect("a message").detach());
        }
    }
    messages
}
