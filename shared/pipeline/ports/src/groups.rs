//! The consumer groups of a log.

use std::sync::Arc;

use async_trait::async_trait;

use crate::log::{Consume, LogError, ReadLag};

/// Joins the consumer groups of a log, and measures how far they are behind.
#[async_trait]
pub trait ConsumerGroups: Send + Sync + 'static {
    /// One more member of the group.
    ///
    /// # Errors
    /// [`LogError`].
    async fn join(&self, group: &str) -> Result<Box<dyn Consume>, LogError>;

    /// The lag of the group.
    ///
    /// # Errors
    /// [`LogError`].
    fn lag(&self, group: &str) -> Result<Arc<dyn ReadLag>, LogError>;
}
