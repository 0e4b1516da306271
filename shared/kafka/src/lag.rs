//! How far a consumer group is behind.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_ports::{Clock, Lag, LogError, ReadLag};

use crate::KafkaOptions;

/// Readings of one group's lag on the records topic.
pub struct KafkaLag {}

impl KafkaLag {
    /// Makes no call to a broker.
    ///
    /// # Errors
    /// [`LogError::Broken`] for options that cannot be.
    pub fn watch(options: &KafkaOptions, _group: &str, _clock: Arc<dyn Clock>) -> Result<KafkaLag, LogError> {
        options.validate()?;
        Ok(KafkaLag {})
    }
}

#[async_trait]
impl ReadLag for KafkaLag {
    async fn read(&self) -> Result<Lag, LogError> {
        Err(LogError::Unavailable("not connected".to_owned()))
    }
}
