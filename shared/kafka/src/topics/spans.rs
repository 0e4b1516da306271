//! What stands on the records topic at one moment: for reading it up to there.

use rdkafka::consumer::{BaseConsumer, Consumer};
use tidegate_domain::Partition;
use tidegate_ports::LogError;

use crate::KafkaOptions;
use crate::client::{self, Asking};

/// The offsets of a partition: from `first` up to, not including, `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionSpan {
    pub partition: Partition,
    pub first: i64,
    pub end: i64,
}

/// What every partition of the records topic holds now.
///
/// # Errors
/// [`LogError`]: the topic is not there, or the brokers do not answer.
pub async fn spans(options: &KafkaOptions) -> Result<Vec<PartitionSpan>, LogError> {
    options.validate()?;
    let (topic, partitions) = (options.topics.records.clone(), options.partitions);
    let config = client::with_extra(client::base_config(options, "spans"), options);
    client::blocking(move || {
        let asking: BaseConsumer<Asking> =
            config.create_with_context(Asking).map_err(|error| client::broken(&error))?;
        let span = |partition: Partition| {
            let number = i32::try_from(partition).unwrap_or(i32::MAX);
            let (first, end) = asking
                .fetch_watermarks(&topic, number, client::QUESTION_TIMEOUT)
                .map_err(|error| client::unavailable(&error))?;
            Ok(PartitionSpan { partition, first, end })
        };
        (0..partitions).map(span).collect()
    })
    .await
}
