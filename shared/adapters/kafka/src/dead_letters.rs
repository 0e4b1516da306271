//! Dead letters on a topic of their own.

mod letter;
mod shelf;

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_kernel::Position;
use tidegate_ports::{Clock, DeadLetter, DeadLetters, FailureCause, LogError};

use crate::append::{BATCH_BYTES, Capacity, Delivery, Outgoing, Producer};
use crate::{KafkaOptions, client, wire};

/// Records of the records topic that could not be applied, with their provenance (`docs/records.md`).
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
            // What the topic takes is the operator's to raise, for records that were larger than they should be.
            message_bytes: LARGEST_BYTES,
            batch_bytes: wire::letter_message_bytes(options.append.max_record_bytes).min(BATCH_BYTES),
        };
        let producer = Producer::new(options, "dead-letters", capacity, false)?;
        Ok(KafkaDeadLetters { producer, options: options.clone(), clock })
    }
}

#[async_trait]
impl DeadLetters for KafkaDeadLetters {
    async fn append(&self, letter: DeadLetter) -> Result<(), LogError> {
        let topics = &self.options.topics;
        let key = letter::key(letter.position);
        let delivery = self.producer.send(Outgoing {
            topic: &topics.dead_letters,
            // The topic has one: letters are few, and one order is the simplest to read.
            partition: 0,
            key: Some(&key),
            headers: letter::headers(&letter, &topics.records),
            payload: &letter.payload,
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
                    letter.payload.len(),
                    topics.dead_letters,
                )
                .into(),
            )),
        }
    }

    async fn list(&self, after: Option<Position>, limit: usize) -> Result<Vec<DeadLetter>, LogError> {
        let options = self.options.clone();
        client::blocking(move || shelf::list(&options, after, limit)).await
    }

    async fn find(&self, position: Position) -> Result<Option<DeadLetter>, LogError> {
        let options = self.options.clone();
        client::blocking(move || shelf::find(&options, position)).await
    }
}
