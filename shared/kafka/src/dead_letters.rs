//! Dead letters on a topic of their own.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_ports::{Clock, DeadLetter, DeadLetters, LogError};

use crate::KafkaOptions;

/// Records of the records topic that could not be applied, with their provenance.
pub struct KafkaDeadLetters {}

impl KafkaDeadLetters {
    /// Makes no call to a broker.
    ///
    /// # Errors
    /// [`LogError::Broken`] for options that cannot be.
    pub fn open(options: &KafkaOptions, _clock: Arc<dyn Clock>) -> Result<KafkaDeadLetters, LogError> {
        options.validate()?;
        Ok(KafkaDeadLetters {})
    }
}

#[async_trait]
impl DeadLetters for KafkaDeadLetters {
    async fn bury(&self, _letter: DeadLetter) -> Result<(), LogError> {
        Err(LogError::Unavailable("not connected".to_owned()))
    }

    async fn list(&self, _limit: usize) -> Result<Vec<DeadLetter>, LogError> {
        Err(LogError::Unavailable("not connected".to_owned()))
    }
}
