//! Consuming: one member of a consumer group.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tidegate_domain::{Committable, PartitionEpoch};
use tidegate_ports::{Clock, Consume, LogError, Polled};

use crate::KafkaOptions;

/// One member of a group; dropping it leaves the group.
pub struct KafkaConsumer {}

impl KafkaConsumer {
    /// Joins the group in the background; the first poll hears of the outcome.
    ///
    /// # Errors
    /// [`LogError::Broken`] for options that cannot be.
    pub fn join(options: &KafkaOptions, _group: &str, _clock: Arc<dyn Clock>) -> Result<KafkaConsumer, LogError> {
        options.validate()?;
        Ok(KafkaConsumer {})
    }

    /// Leaves the group in order, and returns when that is done.
    pub async fn leave(self) {}
}

#[async_trait]
impl Consume for KafkaConsumer {
    async fn poll(&mut self, _max_bytes: usize, _wait: Duration) -> Result<Polled, LogError> {
        Err(LogError::Unavailable("not connected".to_owned()))
    }

    async fn commit(&mut self, _done: Committable) -> Result<(), LogError> {
        Err(LogError::Unavailable("not connected".to_owned()))
    }

    fn pause(&mut self, _partition: PartitionEpoch, _paused: bool) {}
}
