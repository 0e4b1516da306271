//! What stands on the records topic at one moment: for reading it up to there.

use tidegate_ports::{LogError, LogSpan, ReadLog};

use crate::{KafkaOptions, KafkaReadLog};

/// What every partition of the records topic holds now.
///
/// # Errors
/// [`LogError`]: the topic is not there, or the brokers do not answer.
pub async fn spans(options: &KafkaOptions) -> Result<Vec<LogSpan>, LogError> {
    KafkaReadLog::open(options)?.spans().await
}
