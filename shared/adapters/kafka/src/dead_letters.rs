//! The dead letter port on its own Kafka topic.

mod message;
mod scan;

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_kernel::Position;
use tidegate_ports::{Clock, DeadLetter, DeadLetters, FailureCause, LogError};

use crate::append::{BATCH_BYTES, Capacity, Delivery, Outgoing, Producer};
use crate::{KafkaOptions, client, wire};

/// Appends and reads dead letters: records that could not be applied, with their provenance (`docs/records.md`).
pub struct KafkaDeadLetters {
    options: KafkaOptions,
    clock: Arc<dyn Clock>,
    producer: Producer,
}

/// librdkafka's own bound on a message.
const LARGEST_BYTES: usize = 1_000_000_000;

impl KafkaDeadLetters {
    /// Makes no call to a broker.
    ///
    /// # Errors
    /// [`LogError::Broken`] for options that cannot be.
    pub fn open(options: &KafkaOptions, clock: Arc<dyn Clock>) -> Result<KafkaDeadLetters, LogError> {
        options.validate()?;
        let capacity = Capacity {
            // The topic's own limit decides: an operator can raise it for records that exceed the cap.
            message_bytes: LARGEST_BYTES,
            batch_bytes: wire::dead_letter_message_bytes(options.append.max_record_bytes).min(BATCH_BYTES),
        };
        let producer = Producer::new(options, "dead-letters", capacity, false)?;
        Ok(KafkaDeadLetters { producer, options: options.clone(), clock })
    }
}

#[async_trait]
impl DeadLetters for KafkaDeadLetters {
    async fn append(&self, dead_letter: DeadLetter) -> Result<(), LogError> {
        let topics = &self.options.topics;
        let key = message::key(dead_letter.position);
        let delivery = self.producer.send(Outgoing {
            topic: &topics.dead_letters,
            // The topic has one partition: dead letters are few, and one order is the simplest to read.
            partition: 0,
            key: Some(&key),
            headers: message::headers(&dead_letter, &topics.records),
            payload: &dead_letter.payload,
            sent_at_ms: self.clock.now().as_millis(),
        });
        let unavailable = |cause: FailureCause| {
            LogError::Unavailable(cause.in_words(|cause| format!("the dead letter {key} is not safe: {cause}")))
        };
        match delivery.await {
            Delivery::Acked { .. } => Ok(()),
            Delivery::NotPersisted(cause) | Delivery::Unknown(cause) => Err(unavailable(cause)),
            Delivery::TooLarge => Err(LogError::Broken(
                format!(
                    "the dead letter {key} of {} bytes does not fit {}: raise its max.message.bytes",
                    dead_letter.payload.len(),
                    topics.dead_letters,
                )
                .into(),
            )),
        }
    }

    async fn list(&self, after: Option<Position>, limit: usize) -> Result<Vec<DeadLetter>, LogError> {
        let options = self.options.clone();
        client::blocking(move || scan::list(&options, after, limit)).await
    }

    async fn find(&self, position: Position) -> Result<Option<DeadLetter>, LogError> {
        let options = self.options.clone();
        client::blocking(move || scan::find(&options, position)).await
    }
}
