//! The offset range of every partition of the records topic at one moment.

use tidegate_ports::{LogError, LogSpan, ReadLog};

use crate::{KafkaOptions, KafkaReadLog};

/// The offset ranges that the partitions of the records topic hold now.
///
/// # Errors
/// [`LogError`]: the topic does not exist, or the brokers do not answer.
pub async fn spans(options: &KafkaOptions) -> Result<Vec<LogSpan>, LogError> {
    KafkaReadLog::open(options)?.spans().await
}
