//! Reads any range of the records topic, outside any consumer group.

mod cursor;

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};
use tidegate_kernel::{Partition, Timestamp};
use tidegate_ports::{Consumed, LogError, LogSpan, ReadLog};

use crate::client::{self, Asking, QUESTION_TIMEOUT};
use crate::{KafkaOptions, ends};
use cursor::Cursor;
pub(crate) use cursor::is_final;

/// Reads the records topic at any offset. A read that continues where the last one of the same partition ended needs no
/// extra request to the brokers.
pub struct KafkaReadLog {
    reader: Arc<Reader>,
}

struct Reader {
    consumer: BaseConsumer<Asking>,
    topic: String,
    generation: u16,
    partitions: u32,
    /// Locked during a read, so that only one runs at a time.
    cursor: Mutex<Cursor>,
}

impl KafkaReadLog {
    /// Makes no call to a broker.
    ///
    /// # Errors
    /// [`LogError::Broken`] for invalid options.
    pub fn open(options: &KafkaOptions) -> Result<KafkaReadLog, LogError> {
        options.validate()?;
        let consumer = unattached(options, "read", &options.topics.records, options.consume.fetch_bytes)?;
        let reader = Reader {
            consumer,
            topic: options.topics.records.clone(),
            generation: options.topics.generation,
            partitions: options.partitions,
            cursor: Mutex::new(Cursor::default()),
        };
        let reader = Arc::new(reader);
        client::look_after(&reader, Reader::hand_over)?;
        Ok(KafkaReadLog { reader })
    }
}

/// A consumer outside any group: partitions are assigned to it directly, and it commits nothing.
pub(crate) fn unattached(
    options: &KafkaOptions,
    role: &str,
    topic: &str,
    fetch_bytes: usize,
) -> Result<BaseConsumer<Asking>, LogError> {
    let mut config = client::base_config(options, role);
    config
        // librdkafka requires a group name to assign partitions; the group is never joined.
        .set("group.id", format!("{topic}.reader"))
        .set("enable.auto.commit", "false")
        // Records that retention has deleted meanwhile are skipped.
        .set("auto.offset.reset", "earliest")
        .set("enable.partition.eof", "true")
        .set("queued.max.messages.kbytes", (fetch_bytes / 1024).max(64).to_string())
        .set("fetch.message.max.bytes", fetch_bytes.clamp(64 << 10, 1 << 20).to_string())
        .set("fetch.queue.backoff.ms", "5")
        .set("socket.timeout.ms", "10000");
    let made = client::with_extra(config, options).create_with_context(Asking);
    made.map_err(|error| client::broken(&error))
}

#[async_trait]
impl ReadLog for KafkaReadLog {
    async fn spans(&self) -> Result<Vec<LogSpan>, LogError> {
        self.ask(|reader| {
            let generation = reader.generation;
            let spans = ends::of(&reader.consumer, &reader.topic, reader.partitions)?;
            Ok(spans.map(|(partition, first, end)| LogSpan { generation, partition, first, end }).collect())
        })
        .await
    }

    async fn offset_at(&self, partition: Partition, at: Timestamp) -> Result<i64, LogError> {
        self.ask(move |reader| reader.offset_at(partition, at)).await
    }

    async fn read_range(
        &self,
        partition: Partition,
        from: i64,
        until: i64,
        max_bytes: usize,
    ) -> Result<Vec<Consumed>, LogError> {
        let reader = self.reader.clone();
        let read = move || {
            // After a panic in a read the cursor is set again or continues: both are correct.
            let mut cursor = reader.cursor.lock().unwrap_or_else(PoisonError::into_inner);
            cursor.read(&reader, partition, from..until, max_bytes)
        };
        client::blocking(read).await
    }
}

impl KafkaReadLog {
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Reader) -> Result<T, KafkaError> + Send + 'static,
    ) -> Result<T, LogError> {
        let reader = self.reader.clone();
        client::blocking(move || question(&reader).map_err(|error| client::unavailable(&error))).await
    }
}

impl Reader {
    /// Polls for librdkafka's log lines and errors, unless a read is polling now.
    fn hand_over(&self) {
        if let Ok(mut cursor) = self.cursor.try_lock()
            && cursor.is_idle(&self.consumer)
        {
            client::hand_over(&self.consumer);
        }
    }

    fn offset_at(&self, partition: Partition, at: Timestamp) -> Result<i64, KafkaError> {
        let mut asked = TopicPartitionList::new();
        // Negative times have special meanings in the protocol.
        let time = Offset::Offset(at.as_millis().max(0));
        asked.add_partition_offset(&self.topic, ends::number(partition), time)?;
        let answers = self.consumer.offsets_for_times(asked, QUESTION_TIMEOUT)?;
        let unknown = KafkaError::OffsetFetch(RDKafkaErrorCode::UnknownPartition);
        let answer = answers.find_partition(&self.topic, ends::number(partition)).ok_or(unknown.clone())?;
        answer.error()?;
        match answer.offset() {
            Offset::Offset(offset) => Ok(offset),
            Offset::End => Ok(self.span(partition)?.1),
            _ => Err(unknown),
        }
    }

    /// First offset kept and next offset of a partition.
    fn span(&self, partition: Partition) -> Result<(i64, i64), KafkaError> {
        self.consumer.fetch_watermarks(&self.topic, ends::number(partition), QUESTION_TIMEOUT)
    }
}

impl Drop for KafkaReadLog {
    fn drop(&mut self) {
        client::close_aside(self.reader.clone());
    }
}
