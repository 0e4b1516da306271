//! Reads the group's committed offsets back from the broker: for the metric, and to detect a broker that lost a commit.

use std::sync::{Arc, Weak};
use std::time::Duration;

use rdkafka::consumer::Consumer;
use rdkafka::{Offset, TopicPartitionList};
use tidegate_kernel::Partition;
use tidegate_ports::LogError;
use tokio::task::AbortHandle;

use super::member::Member;
use crate::{KafkaOptions, client, metrics};

const INTERVAL: Duration = Duration::from_secs(10);

/// Reads until aborted, or until the member is gone.
pub fn start(member: &Arc<Member>, options: &KafkaOptions) -> AbortHandle {
    let member = Arc::downgrade(member);
    let (topic, partitions) = (options.topics.records.clone(), options.partitions);
    let reading = tokio::spawn(async move {
        loop {
            tokio::time::sleep(INTERVAL).await;
            if member.strong_count() == 0 {
                return;
            }
            let (member, topic) = (member.clone(), topic.clone());
            let read = client::blocking(move || read(&member, &topic, partitions));
            if let Err(error) = read.await {
                tracing::warn!(%error, "the committed offsets could not be read back");
            }
        }
    });
    reading.abort_handle()
}

fn read(member: &Weak<Member>, topic: &str, partitions: u32) -> Result<(), LogError> {
    let Some(member) = member.upgrade() else { return Ok(()) };
    let mut list = TopicPartitionList::with_capacity(partitions as usize);
    list.add_partition_range(topic, 0, i32::try_from(partitions).unwrap_or(i32::MAX) - 1);
    let answer = member.consumer.committed_offsets(list, client::QUESTION_TIMEOUT);
    for element in answer.map_err(|error| client::unavailable(&error))?.elements() {
        let Ok(partition) = Partition::try_from(element.partition()) else { continue };
        let offset = match element.offset() {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        };
        if let Some(offset) = offset {
            let label = partition.to_string();
            metrics::COMMITTED_OFFSET.with([("partition", label)]).set(offset as f64);
        }
        if let Some(committed) = member.commits.read_back(partition, offset) {
            metrics::COMMITS_BEHIND.handle().increment(1);
            let ours = committed.next_offset();
            tracing::warn!(partition, ?offset, ours, "the broker's committed offset is behind ours; committing again");
        }
    }
    Ok(())
}
