//! When the oldest unapplied record was appended: the log's own time on the first one of each partition. And the newest
//! one's, once, for how long the oldest had waited when it was first looked at.

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

/// What was read before, so that a partition that stands still is not read again.
#[derive(Default)]
pub struct Oldest {
    known: HashMap<Partition, (i64, Timestamp)>,
    /// When the newest record was appended, as of the first reading that found the partition behind; `None` where that
    /// could not be read.
    newest: HashMap<Partition, Option<Timestamp>>,
}

/// Reading one record of each partition takes milliseconds; a broker that takes longer has no answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The newest one need not be known, and where a foreign transaction ended there is none.
const NEWEST_PATIENCE: Duration = Duration::from_millis(500);

impl Oldest {
    /// Learns when the first uncommitted record of each of these partitions was appended.
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
        // Fetching ends here, or the broker would be asked for more all the time.
        let left = consumer.unassign();
        read.and(left.map_err(|error| client::unavailable(&error)))
    }

    /// What was learned of a partition; `None` where nothing is uncommitted.
    pub fn known(&self, partition: Partition) -> Option<Timestamp> {
        self.known.get(&partition).map(|(_, appended_at)| *appended_at)
    }

    /// The log's clock, as the partition's newest record showed it when it was first behind.
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
        // Retention may have taken the record in between: then the first that is left stands for it.
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

/// When the first record at or after the offset wanted of each partition was appended; without those that could not be
/// read in time.
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
