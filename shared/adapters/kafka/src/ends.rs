//! First and end offsets of all partitions of a topic, with one request for each of the two.

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};
use tidegate_kernel::Partition;

use crate::client::{Asking, QUESTION_TIMEOUT};

/// Partition, first kept offset and end offset of the partitions `0..partitions`, in their order.
pub fn of(
    consumer: &BaseConsumer<Asking>,
    topic: &str,
    partitions: u32,
) -> Result<impl Iterator<Item = (Partition, i64, i64)>, KafkaError> {
    let ask = |offset: Offset| {
        let mut asked = all(topic, partitions);
        asked.set_all_offsets(offset)?;
        let answers = consumer.offsets_for_times(asked, QUESTION_TIMEOUT)?;
        (0..partitions).map(|partition| known(&answers, topic, partition)).collect::<Result<Vec<_>, _>>()
    };
    let firsts = ask(Offset::Beginning)?;
    let ends = ask(Offset::End)?;
    Ok((0..partitions).zip(firsts).zip(ends).map(|((partition, first), end)| (partition, first, end)))
}

/// All partitions of a topic, without offsets.
pub fn all(topic: &str, partitions: u32) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    list.add_partition_range(topic, 0, number(partitions) - 1);
    list
}

/// A partition's number in Kafka's type.
pub fn number(partition: Partition) -> i32 {
    i32::try_from(partition).unwrap_or(i32::MAX)
}

/// The partition's offset in the answers. A missing one is an error: the partition would look empty.
fn known(answers: &TopicPartitionList, topic: &str, partition: Partition) -> Result<i64, KafkaError> {
    let unknown = KafkaError::OffsetFetch(RDKafkaErrorCode::UnknownPartition);
    let answer = answers.find_partition(topic, number(partition)).ok_or(unknown.clone())?;
    answer.error()?;
    match answer.offset() {
        Offset::Offset(offset) => Ok(offset),
        _ => Err(unknown),
    }
}
