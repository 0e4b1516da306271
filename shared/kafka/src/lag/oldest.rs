//! When the oldest uncommitted record was appended: the log's own time on the first one of each partition.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};
use tidegate_domain::{Partition, Timestamp};
use tidegate_ports::LogError;

use super::Behind;
use crate::client::{self, Asking};

/// What was read before, so that a partition that stands still is not read again.
#[derive(Default)]
pub struct Oldest {
    known: HashMap<Partition, (i64, Timestamp)>,
}

/// Reading one record of each partition takes milliseconds; a broker that takes longer has no answer.
const PATIENCE: Duration = Duration::from_secs(5);

impl Oldest {
    /// Learns when the first uncommitted record of each of these partitions was appended.
    pub fn of(&mut self, consumer: &BaseConsumer<Asking>, topic: &str, behind: &[Behind]) -> Result<(), LogError> {
        self.known.retain(|partition, (offset, _)| {
            behind.iter().any(|one| one.partition == *partition && one.next_offset == *offset)
        });
        let unread: Vec<Behind> =
            behind.iter().filter(|one| !self.known.contains_key(&one.partition)).copied().collect();
        if !unread.is_empty() {
            let read = self.read(consumer, topic, &unread);
            // Fetching ends here, or the broker would be asked for more all the time.
            let left = consumer.unassign();
            read.and(left.map_err(|error| client::unavailable(&error)))?;
        }
        Ok(())
    }

    /// What was learned of a partition; `None` where nothing is uncommitted.
    pub fn known(&self, partition: Partition) -> Option<Timestamp> {
        self.known.get(&partition).map(|(_, appended_at)| *appended_at)
    }

    fn read(&mut self, consumer: &BaseConsumer<Asking>, topic: &str, unread: &[Behind]) -> Result<(), LogError> {
        let unavailable = |error: KafkaError| client::unavailable(&error);
        let mut list = TopicPartitionList::with_capacity(unread.len());
        for one in unread {
            let number = i32::try_from(one.partition).unwrap_or(i32::MAX);
            list.add_partition_offset(topic, number, Offset::Offset(one.next_offset)).map_err(unavailable)?;
        }
        consumer.assign(&list).map_err(unavailable)?;
        let patience = Instant::now() + PATIENCE;
        while unread.iter().any(|one| !self.known.contains_key(&one.partition)) {
            match consumer.poll(Duration::from_millis(50)) {
                Some(Ok(message)) => {
                    let asked = unread.iter().find(|one| {
                        i64::from(one.partition) == i64::from(message.partition())
                            && message.offset() >= one.next_offset
                    });
                    let appended_at = Timestamp::from_millis(message.timestamp().to_millis().unwrap_or_default());
                    if let Some(asked) = asked {
                        // Retention may have taken the record in between: then the first that is left stands for it.
                        self.known.entry(asked.partition).or_insert((asked.next_offset, appended_at));
                    }
                }
                Some(Err(error)) if Instant::now() >= patience => return Err(unavailable(error)),
                _ if Instant::now() >= patience => {
                    let text = format!("the oldest record was not read within {PATIENCE:?}");
                    return Err(LogError::Unavailable(text));
                }
                _ => {}
            }
        }
        Ok(())
    }
}
