//! When the oldest unapplied record of each partition was appended, by the log's clock. The newest record's time is
//! read once per partition: the difference says how long the oldest one had waited when it was first seen.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};
use tidegate_kernel::{Partition, Timestamp};
use tidegate_ports::{FailureCause, LogError};

use super::Behind;
use crate::client::{self, Asking};

/// The times read so far, so that a partition without progress is not read again.
#[derive(Default)]
pub struct Oldest {
    known: HashMap<Partition, (i64, Timestamp)>,
    /// When the newest record was appended, read at the first measurement that found the partition behind; `None` where
    /// that failed.
    newest: HashMap<Partition, Option<Timestamp>>,
}

/// How long the read of one record of each partition may take. It normally takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the read of the newest records may take. They are optional: the last offset may be a transaction marker.
const NEWEST_PATIENCE: Duration = Duration::from_millis(500);

impl Oldest {
    /// Reads when the first uncommitted record of each of these partitions was appended.
    pub fn of(&mut self, consumer: &BaseConsumer<Asking>, topic: &str, behind: &[Behind]) -> Result<(), LogError> {
        self.known.retain(|partition, (offset, _)| {
            behind.iter().any(|one| one.partition == *partition && one.next_offset == *offset)
        });
        let unread: Vec<Behind> =
            behind.iter().filter(|one| !self.known.contains_key(&one.partition)).copied().collect();
        let unseen: Vec<Behind> =
            behind.iter().filter(|one| !self.newest.contains_key(&one.partition)).copied().collect();
        if unread.is_empty() && unseen.is_empty() {
            return Ok(());
        }
        let read = self.read(consumer, topic, &unread).and_then(|()| self.read_newest(consumer, topic, &unseen));
        // Without this, librdkafka would keep fetching.
        let left = consumer.unassign();
        read.and(left.map_err(|error| client::unavailable(&error)))
    }

    /// When the partition's first uncommitted record was appended; `None` where nothing is uncommitted.
    pub fn known(&self, partition: Partition) -> Option<Timestamp> {
        self.known.get(&partition).map(|(_, appended_at)| *appended_at)
    }

    /// The log's clock when the partition was first behind: the append time of its newest record.
    pub fn log_time(&self, partition: Partition) -> Option<Timestamp> {
        self.newest.get(&partition).copied().flatten()
    }

    fn read(&mut self, consumer: &BaseConsumer<Asking>, topic: &str, unread: &[Behind]) -> Result<(), LogError> {
        let first = |one: &Behind| (one.partition, one.next_offset);
        let wanted: HashMap<Partition, i64> = unread.iter().map(first).collect();
        let read = read_one_each(consumer, topic, &wanted, PATIENCE)?;
        if read.len() < wanted.len() {
            let text = format!("the oldest record was not read within {PATIENCE:?}");
            return Err(LogError::Unavailable(FailureCause::timeout(text)));
        }
        // If retention has deleted the record in between, the first one left is used.
        self.known.extend(read.into_iter().map(|(partition, at)| (partition, (wanted[&partition], at))));
        Ok(())
    }

    fn read_newest(&mut self, consumer: &BaseConsumer<Asking>, topic: &str, unseen: &[Behind]) -> Result<(), LogError> {
        let last = |one: &Behind| (one.partition, one.end - 1);
        let wanted: HashMap<Partition, i64> = unseen.iter().map(last).collect();
        let mut read = read_one_each(consumer, topic, &wanted, NEWEST_PATIENCE)?;
        self.newest.extend(wanted.into_keys().map(|partition| (partition, read.remove(&partition))));
        Ok(())
    }
}

/// The append time of each partition's first record at or after the wanted offset. Partitions that could not be read in
/// time are missing.
fn read_one_each(
    consumer: &BaseConsumer<Asking>,
    topic: &str,
    wanted: &HashMap<Partition, i64>,
    patience: Duration,
) -> Result<HashMap<Partition, Timestamp>, LogError> {
    let unavailable = |error: KafkaError| client::unavailable(&error);
    let mut read = HashMap::with_capacity(wanted.len());
    if wanted.is_empty() {
        return Ok(read);
    }
    let mut list = TopicPartitionList::with_capacity(wanted.len());
    for (partition, offset) in wanted {
        let number = i32::try_from(*partition).unwrap_or(i32::MAX);
        list.add_partition_offset(topic, number, Offset::Offset(*offset)).map_err(unavailable)?;
    }
    consumer.assign(&list).map_err(unavailable)?;
    let until = Instant::now() + patience;
    while read.len() < wanted.len() {
        match consumer.poll(Duration::from_millis(50)) {
            Some(Ok(message)) => {
                let asked = Partition::try_from(message.partition()).ok();
                let asked = asked.filter(|of| wanted.get(of).is_some_and(|offset| message.offset() >= *offset));
                let appended_at = Timestamp::from_millis(message.timestamp().to_millis().unwrap_or_default());
                if let Some(partition) = asked {
                    read.entry(partition).or_insert(appended_at);
                }
            }
            Some(Err(error)) if Instant::now() >= until => return Err(unavailable(error)),
            _ if Instant::now() >= until => break,
            _ => {}
        }
    }
    Ok(read)
}
