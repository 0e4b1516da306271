//! Measures the lag of a consumer group: end offsets minus committed offsets and accounts, and the age of the oldest
//! record that is not applied.

mod oldest;

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use tidegate_kernel::Partition;
use tidegate_ports::{Account, Clock, FailureCause, Lag, LogError, PartitionLag, ReadLag};

use crate::KafkaOptions;
use crate::client::{self, Asking, QUESTION_TIMEOUT};
use crate::ends;
use oldest::Oldest;

/// Measures the lag of one group on the records topic. It keeps its connections open and is no member of the group.
pub struct KafkaLag {
    reader: Arc<Reader>,
    clock: Arc<dyn Clock>,
}

struct Reader {
    consumer: BaseConsumer<Asking>,
    topic: String,
    generation: u16,
    partitions: u32,
    /// Locked during a measurement, so that only one runs at a time.
    oldest: Mutex<Oldest>,
    /// Locked while records are fetched.
    fetching: Mutex<()>,
}

/// A partition with records that are not applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Behind {
    partition: Partition,
    /// The offset of the first record that is not applied and that the log still has.
    next_offset: i64,
    /// The offset that the next appended record gets.
    end: i64,
}

impl Behind {
    fn of(lag: &PartitionLag) -> Self {
        Behind { partition: lag.partition, next_offset: lag.next(), end: lag.end }
    }
}

impl KafkaLag {
    /// Makes no call to a broker.
    ///
    /// # Errors
    /// [`LogError::Broken`] for invalid options.
    pub fn watch(options: &KafkaOptions, group: &str, clock: Arc<dyn Clock>) -> Result<KafkaLag, LogError> {
        options.validate()?;
        let mut config = client::base_config(options, "lag");
        config
            // The group whose offsets are read. Without a subscription this client never joins it.
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest")
            // One record of each partition is enough. The broker sends a whole batch even if fewer bytes are requested.
            .set("fetch.message.max.bytes", "4096")
            .set("queued.min.messages", "1")
            .set("fetch.queue.backoff.ms", "5")
            .set("socket.timeout.ms", "10000");
        let made = client::with_extra(config, options).create_with_context(Asking);
        let consumer: BaseConsumer<Asking> = made.map_err(|error| client::broken(&error))?;
        let reader = Reader {
            consumer,
            topic: options.topics.records.clone(),
            generation: options.topics.generation,
            partitions: options.partitions,
            oldest: Mutex::new(Oldest::default()),
            fetching: Mutex::new(()),
        };
        let reader = Arc::new(reader);
        client::look_after(&reader, Reader::hand_over)?;
        Ok(KafkaLag { reader, clock })
    }
}

#[async_trait]
impl ReadLag for KafkaLag {
    async fn read(&self) -> Result<Lag, LogError> {
        // Taken before the requests, so that the lag is at least as new as `read_at`.
        let read_at = self.clock.now();
        let lags = self.partitions(&[]).await?;
        let lag = Lag::over(&lags, read_at);
        // The broker's clock stamps records, so a stamp may be later than `read_at`.
        Ok(Lag { read_at: lag.oldest_appended_at.map_or(read_at, |oldest| oldest.max(read_at)), ..lag })
    }

    async fn partitions(&self, accounts: &[Account]) -> Result<Vec<PartitionLag>, LogError> {
        let reader = self.reader.clone();
        let accounts = accounts.to_vec();
        client::blocking(move || reader.read(&accounts)).await
    }

    async fn mismatch(&self) -> Result<Option<String>, LogError> {
        let reader = self.reader.clone();
        client::blocking(move || reader.mismatch().map_err(|error| client::unavailable(&error))).await
    }
}

impl Reader {
    fn read(&self, accounts: &[Account]) -> Result<Vec<PartitionLag>, LogError> {
        // Waiting for the measurement in progress would block this thread as long as the brokers are silent.
        let Ok(mut oldest) = self.oldest.try_lock().or_else(|error| match error {
            std::sync::TryLockError::Poisoned(poisoned) => Ok(PoisonError::into_inner(poisoned)),
            std::sync::TryLockError::WouldBlock => Err(()),
        }) else {
            return Err(LogError::Unavailable(FailureCause::timeout(
                "the reading before this one still waits for the brokers",
            )));
        };
        let mut lags = self.lags(accounts).map_err(|error| client::unavailable(&error))?;
        let behind: Vec<Behind> = lags.iter().filter(|lag| lag.records() > 0).map(Behind::of).collect();
        let fetching = self.fetching.lock().unwrap_or_else(PoisonError::into_inner);
        oldest.of(&self.consumer, &self.topic, &behind)?;
        drop(fetching);
        for lag in &mut lags {
            lag.oldest_appended_at = oldest.known(lag.partition);
            lag.log_time = lag.oldest_appended_at.and(oldest.log_time(lag.partition));
        }
        Ok(lags)
    }

    /// Polls for librdkafka's log lines and errors, unless a measurement is polling now.
    fn hand_over(&self) {
        if let Ok(_idle) = self.fetching.try_lock() {
            client::hand_over(&self.consumer);
        }
    }

    /// Reads committed offsets first: records appended in between make the lag larger, never smaller.
    fn lags(&self, accounts: &[Account]) -> Result<Vec<PartitionLag>, KafkaError> {
        let asked = ends::all(&self.topic, self.partitions);
        let committed = self.consumer.committed_offsets(asked, QUESTION_TIMEOUT)?;
        let spans = ends::of(&self.consumer, &self.topic, self.partitions)?;
        let lag = |(partition, first, end): (Partition, i64, i64)| {
            let committed = match committed.find_partition(&self.topic, ends::number(partition)) {
                Some(found) => {
                    found.error()?;
                    found.offset()
                }
                None => Offset::Invalid,
            };
            let committed = match committed {
                Offset::Offset(committed) => committed,
                // A group that never committed starts at the first offset of the log.
                _ => first,
            };
            let generation = self.generation;
            let accounted = PartitionLag::accounted_in(accounts, generation, partition);
            let (oldest_appended_at, log_time) = (None, None);
            let lag =
                PartitionLag { generation, partition, first, committed, accounted, end, oldest_appended_at, log_time };
            Ok(lag)
        };
        spans.map(lag).collect()
    }

    /// Compares the topic's partition count with the configured one: records only go to the configured partitions, so
    /// partitions that an operator added would stay empty.
    fn mismatch(&self) -> Result<Option<String>, KafkaError> {
        let metadata = self.consumer.fetch_metadata(Some(&self.topic), QUESTION_TIMEOUT)?;
        let found = metadata.topics().iter().find(|topic| topic.name() == self.topic);
        let (found, wanted) = (found.map_or(0, |topic| topic.partitions().len()), self.partitions as usize);
        Ok((found != wanted).then(|| match found {
            0 => format!("the topic {} is not there", self.topic),
            _ => format!("the topic {} has {found} partitions, configured are {wanted}", self.topic),
        }))
    }
}

impl Drop for KafkaLag {
    fn drop(&mut self) {
        client::close_aside(self.reader.clone());
    }
}
