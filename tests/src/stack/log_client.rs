//! Any Kafka client: reads topics and groups as an outsider would.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Headers, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::Addresses;

const ANSWERS: Duration = Duration::from_secs(90);

/// A record as it stands on a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub partition: i32,
    pub offset: i64,
    pub key: Option<Vec<u8>>,
    pub headers: BTreeMap<String, Vec<u8>>,
    pub payload: Vec<u8>,
    /// The broker's, in milliseconds since 1970.
    pub appended_at_ms: Option<i64>,
}

/// Reads one topic, and how far one group has committed on it. It never joins the group.
#[derive(Clone)]
pub struct LogClient {
    consumer: Arc<BaseConsumer>,
    topic: String,
}

/// The plainest configuration.
pub(crate) fn config(brokers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers);
    config
}

impl LogClient {
    /// # Panics
    /// If the options are wrong: that is the test's mistake.
    pub fn connect(stack: &Addresses, topic: &str, group: &str) -> Self {
        let mut config = config(&stack.kafka);
        config.set("group.id", group).set("enable.auto.commit", "false").set("auto.offset.reset", "earliest");
        // All records that were written, whoever wrote them, and the end of each partition.
        config.set("enable.partition.eof", "false").set("check.crcs", "true");
        LogClient { consumer: Arc::new(config.create().expect("plain options")), topic: topic.to_owned() }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&BaseConsumer, &str) -> Result<T, rdkafka::error::KafkaError> + Send + 'static,
    ) -> Result<T, String> {
        let client = self.clone();
        let asked = move || ask(&client.consumer, &client.topic);
        let answer = tokio::task::spawn_blocking(asked).await.expect("the client's thread ends");
        answer.map_err(|error| error.to_string())
    }

    /// The number of partitions.
    ///
    /// # Errors
    /// What the client says.
    pub async fn partitions(&self) -> Result<i32, String> {
        self.blocking(partitions).await
    }

    /// The offset after the last record, by partition.
    ///
    /// # Errors
    /// What the client says.
    pub async fn ends(&self) -> Result<Vec<i64>, String> {
        self.blocking(ends).await
    }

    /// What the group has committed, by partition; `None` where nothing is.
    ///
    /// # Errors
    /// What the client says.
    pub async fn committed(&self) -> Result<Vec<Option<i64>>, String> {
        self.blocking(|consumer, topic| {
            let mut asked = TopicPartitionList::new();
            for partition in 0..partitions(consumer, topic)? {
                asked.add_partition(topic, partition);
            }
            let count = asked.count();
            let committed = consumer.committed_offsets(asked, ANSWERS)?;
            let mut offsets = vec![None; count];
            for element in committed.elements() {
                element.error()?;
                if let (Ok(partition), Offset::Offset(offset)) =
                    (usize::try_from(element.partition()), element.offset())
                {
                    offsets[partition] = Some(offset);
                }
            }
            Ok(offsets)
        })
        .await
    }

    /// Records that the group has not committed.
    ///
    /// # Errors
    /// What the client says.
    pub async fn behind(&self) -> Result<i64, String> {
        let (ends, committed) = (self.ends().await?, self.committed().await?);
        Ok(ends.iter().zip(committed).map(|(end, committed)| end - committed.unwrap_or(0)).sum())
    }

    /// All records there are now, in the order of their partitions and offsets.
    ///
    /// # Errors
    /// What the client says.
    pub async fn records(&self) -> Result<Vec<Seen>, String> {
        self.blocking(records).await
    }
}

type Asked<T> = Result<T, rdkafka::error::KafkaError>;

fn partitions(consumer: &BaseConsumer, topic: &str) -> Asked<i32> {
    let metadata = consumer.fetch_metadata(Some(topic), ANSWERS)?;
    let found = metadata.topics().first().map_or(0, |topic| topic.partitions().len());
    Ok(i32::try_from(found).expect("a topic has few partitions"))
}

fn ends(consumer: &BaseConsumer, topic: &str) -> Asked<Vec<i64>> {
    (0..partitions(consumer, topic)?)
        .map(|partition| consumer.fetch_watermarks(topic, partition, ANSWERS).map(|(_, end)| end))
        .collect()
}

fn records(consumer: &BaseConsumer, topic: &str) -> Asked<Vec<Seen>> {
    let ends = ends(consumer, topic)?;
    let mut all = TopicPartitionList::new();
    for partition in 0..i32::try_from(ends.len()).expect("a topic has few partitions") {
        all.add_partition_offset(topic, partition, Offset::Beginning)?;
    }
    consumer.assign(&all)?;
    let (mut seen, begun): (Vec<Seen>, _) = (Vec::new(), Instant::now());
    let mut missing: i64 = ends.iter().sum();
    while missing > 0 {
        assert!(begun.elapsed() < ANSWERS, "{missing} records of {topic} do not come");
        let Some(message) = consumer.poll(Duration::from_millis(100)) else { continue };
        let one = read(&message?);
        let end = usize::try_from(one.partition).ok().and_then(|partition| ends.get(partition));
        if end.is_some_and(|end| one.offset < *end) {
            missing -= 1;
            seen.push(one);
        }
    }
    consumer.unassign()?;
    seen.sort_by_key(|one| (one.partition, one.offset));
    Ok(seen)
}

fn read(message: &rdkafka::message::BorrowedMessage<'_>) -> Seen {
    let headers = message.headers().into_iter().flat_map(Headers::iter);
    Seen {
        partition: message.partition(),
        offset: message.offset(),
        key: message.key().map(<[u8]>::to_vec),
        headers: headers.map(|one| (one.key.to_owned(), one.value.unwrap_or_default().to_vec())).collect(),
        payload: message.payload().unwrap_or_default().to_vec(),
        appended_at_ms: message.timestamp().to_millis(),
    }
}
