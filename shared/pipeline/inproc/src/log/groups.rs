//! The groups of a log in memory.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_ports::{Consume, ConsumerGroups, LogError, ReadLag};

use super::MemoryLog;

#[async_trait]
impl ConsumerGroups for MemoryLog {
    async fn join(&self, group: &str) -> Result<Box<dyn Consume>, LogError> {
        Ok(Box::new(self.consumer(group)))
    }

    fn lag(&self, group: &str) -> Result<Arc<dyn ReadLag>, LogError> {
        Ok(Arc::new(MemoryLog::lag(self, group)))
    }
}
