//! The groups of an embedded log.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_ports::{Consume, ConsumerGroups, LogError, ReadLag};

use super::EmbeddedLog;

#[async_trait]
impl ConsumerGroups for EmbeddedLog {
    async fn join(&self, group: &str) -> Result<Box<dyn Consume>, LogError> {
        Ok(Box::new(self.consumer(group).await?))
    }

    fn lag(&self, group: &str) -> Result<Arc<dyn ReadLag>, LogError> {
        Ok(Arc::new(EmbeddedLog::lag(self, group)?))
    }
}
