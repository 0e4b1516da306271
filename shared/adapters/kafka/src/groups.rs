//! The groups of a log on Kafka.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_ports::{Clock, Consume, ConsumerGroups, LogError, ReadLag};

use crate::consume::KafkaConsumer;
use crate::lag::KafkaLag;
use crate::options::KafkaOptions;

/// Joins groups of these topics, each with connections of its own.
pub struct KafkaGroups {
    options: KafkaOptions,
    clock: Arc<dyn Clock>,
}

impl KafkaGroups {
    /// Makes no call to a broker.
    pub const fn new(options: KafkaOptions, clock: Arc<dyn Clock>) -> Self {
        KafkaGroups { options, clock }
    }
}

#[async_trait]
impl ConsumerGroups for KafkaGroups {
    async fn join(&self, group: &str) -> Result<Box<dyn Consume>, LogError> {
        Ok(Box::new(KafkaConsumer::join(&self.options, group, self.clock.clone())?))
    }

    fn lag(&self, group: &str) -> Result<Arc<dyn ReadLag>, LogError> {
        Ok(Arc::new(KafkaLag::watch(&self.options, group, self.clock.clone())?))
    }
}
