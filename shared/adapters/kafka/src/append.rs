//! Appends records. An append returns success once all in-sync replicas have acknowledged the record.

mod clock_ahead;
mod delivery;
mod producer;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use rdkafka::message::OwnedHeaders;
use tidegate_kernel::{LogKey, Partition, Position};
use tidegate_ports::{Again, Append, AppendAgain, AppendError, Clock, FailureCause, LogError};

pub(crate) use delivery::Delivery;
pub(crate) use producer::{BATCH_BYTES, Capacity, Outgoing, Producer};

use crate::KafkaOptions;
use crate::metrics::{AppendCounters, register_producer};
use crate::wire;

/// The producer's side of the records topic; clones share one producer.
#[derive(Clone)]
pub struct KafkaLog {
    inner: Arc<Inner>,
}

struct Inner {
    options: KafkaOptions,
    clock: Arc<dyn Clock>,
    producer: Producer,
    counters: AppendCounters,
}

/// The outcome of an orderly stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CloseReport {
    /// Records that were not acknowledged in time; their callers got an error.
    pub left: usize,
}

impl KafkaLog {
    /// Makes no call to a broker: if brokers are down at start, the first append reports it.
    ///
    /// # Errors
    /// [`LogError::Broken`] for invalid options.
    pub fn connect(options: KafkaOptions, clock: Arc<dyn Clock>) -> Result<KafkaLog, LogError> {
        options.validate()?;
        let producer = Producer::new(&options, "ingest", Capacity::records(&options), true)?;
        register_producer(options.append.queue_bytes);
        Ok(KafkaLog { inner: Arc::new(Inner { options, clock, producer, counters: AppendCounters::new() }) })
    }

    /// Refuses new appends, waits up to `deadline` for outstanding acknowledgements, and counts the records left.
    pub async fn close(&self, deadline: Duration) -> CloseReport {
        CloseReport { left: self.inner.producer.close(deadline).await }
    }

    /// Records sent and not yet acknowledged or failed.
    pub fn waiting(&self) -> usize {
        self.inner.producer.waiting()
    }
}

#[async_trait]
impl Append for KafkaLog {
    async fn append(&self, key: LogKey, record: Bytes) -> Result<Position, AppendError> {
        let partition = self.partition_of(key);
        self.put(partition, Some(key.text()), self.headers(), &record).await
    }

    async fn append_effect(&self, key: LogKey, record: Bytes, cause: Position) -> Result<Position, AppendError> {
        let headers = wire::effect_headers(self.headers(), cause);
        self.put(self.partition_of(key), Some(key.text()), headers, &record).await
    }

    fn partition_of(&self, key: LogKey) -> Partition {
        key.partition(self.inner.options.partitions)
    }

    fn clock_ahead_ms(&self) -> Option<i64> {
        self.inner.producer.clock_ahead_ms()
    }
}

#[async_trait]
impl AppendAgain for KafkaLog {
    async fn append_again(&self, again: Again) -> Result<Position, AppendError> {
        let Again { key, payload, origin } = again;
        let partitions = self.inner.options.partitions;
        let partition = key.map_or(origin.position.partition, |key| key.partition(partitions));
        if partition >= partitions {
            return Err(AppendError::NotPersisted(FailureCause::refused(format!(
                "the record of {} has no home: this generation has {partitions} partitions",
                origin.position,
            ))));
        }
        let headers = wire::origin_headers(self.headers(), origin);
        self.put(partition, key.as_ref().map(LogKey::text), headers, &payload).await
    }
}

impl KafkaLog {
    fn headers(&self) -> OwnedHeaders {
        wire::record_headers(self.inner.options.topics.format)
    }

    async fn put(
        &self,
        partition: Partition,
        key: Option<&str>,
        headers: OwnedHeaders,
        record: &[u8],
    ) -> Result<Position, AppendError> {
        let Inner { options, clock, producer, counters } = &*self.inner;
        let (bytes, cap) = (record.len(), options.append.max_record_bytes);
        if bytes > cap {
            counters.too_large.increment(1);
            return Err(AppendError::TooLarge { bytes, cap });
        }
        let delivery = producer.send(Outgoing {
            topic: &options.topics.records,
            partition,
            key,
            headers,
            payload: record,
            sent_at_ms: clock.now().as_millis(),
        });
        match delivery.await {
            Delivery::Acked { partition, offset } => {
                counters.acked.increment(1);
                Ok(Position { generation: options.topics.generation, partition, offset })
            }
            Delivery::NotPersisted(cause) => {
                counters.not_persisted.increment(1);
                Err(AppendError::NotPersisted(cause))
            }
            Delivery::Unknown(cause) => {
                counters.unknown.increment(1);
                Err(AppendError::Unknown(cause))
            }
            // Below our cap but above the broker's limit, alone or with its batch: a configuration error, so the caller
            // gets a failed append and the operator the reason.
            Delivery::TooLarge => {
                counters.too_large.increment(1);
                Err(AppendError::NotPersisted(FailureCause::refused(format!(
                    "the broker takes no message of {bytes} bytes: max.message.bytes of {} is below the cap of {cap}",
                    options.topics.records,
                ))))
            }
        }
    }
}
