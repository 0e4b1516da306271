//! Reading the dead letters topic from its beginning to its end, for whoever looks into it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};
use tidegate_kernel::Position;
use tidegate_ports::{DeadLetter, FailureCause, LogError};

use super::letter;
use crate::KafkaOptions;
use crate::client::{self, QUESTION_TIMEOUT};
use crate::read::{is_final, unattached};

/// Without a record for so long the broker has no answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Up to `limit` letters of positions after `after`, in their order; of several with one position the first one buried.
pub fn list(options: &KafkaOptions, after: Option<Position>, limit: usize) -> Result<Vec<DeadLetter>, LogError> {
    let mut letters: BTreeMap<Position, DeadLetter> = BTreeMap::new();
    scan(options, |letter| {
        if after.is_none_or(|after| letter.position > after) {
            letters.entry(letter.position).or_insert(letter);
        }
        // Only the oldest are wanted: whatever falls out here would never come back in.
        if letters.len() > limit {
            letters.pop_last();
        }
        ControlFlow::Continue(())
    })?;
    Ok(letters.into_values().collect())
}

/// The letter of one position.
pub fn find(options: &KafkaOptions, position: Position) -> Result<Option<DeadLetter>, LogError> {
    let mut found = None;
    scan(options, |letter| {
        if letter.position != position {
            return ControlFlow::Continue(());
        }
        found = Some(letter);
        ControlFlow::Break(())
    })?;
    Ok(found)
}

/// Shows every letter there is, in the order of their burials, until there are no more or `look` has seen enough. A
/// reader of its own for each scan: letters are looked at seldom, and it must not keep a connection.
fn scan(options: &KafkaOptions, mut look: impl FnMut(DeadLetter) -> ControlFlow<()>) -> Result<(), LogError> {
    let unavailable = |error: KafkaError| client::unavailable(&error);
    let topic = &options.topics.dead_letters;
    let consumer = unattached(options, "dead-letters", topic, options.consume.fetch_bytes)?;
    let (first, end) = consumer.fetch_watermarks(topic, 0, QUESTION_TIMEOUT).map_err(unavailable)?;
    if first >= end {
        return Ok(());
    }
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Offset(first)).map_err(unavailable)?;
    consumer.assign(&list).map_err(unavailable)?;
    let mut next = first;
    let mut heard_at = Instant::now();
    while next < end {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                heard_at = Instant::now();
                next = message.offset() + 1;
                match letter::read(&message) {
                    Ok(found) => {
                        if look(found).is_break() {
                            break;
                        }
                    }
                    // Somebody else's message: it must not hide the letters.
                    Err(why) => {
                        tracing::warn!(topic, offset = message.offset(), why, "passed over what is no dead letter");
                    }
                }
            }
            // What lies between the last message and the end is no message.
            Some(Err(KafkaError::PartitionEOF(_))) => break,
            Some(Err(error)) if is_final(&error) => return Err(unavailable(error)),
            _ if heard_at.elapsed() > PATIENCE => {
                return Err(LogError::Unavailable(FailureCause::timeout(format!(
                    "{topic} was not read to its end within {PATIENCE:?}"
                ))));
            }
            _ => {}
        }
    }
    Ok(())
}
