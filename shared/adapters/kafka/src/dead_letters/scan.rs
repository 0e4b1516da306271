//! Reads the dead letters topic from its beginning to its end, for the commands that list and show dead letters.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};
use tidegate_kernel::Position;
use tidegate_ports::{DeadLetter, FailureCause, LogError};

use super::message;
use crate::KafkaOptions;
use crate::client::{self, QUESTION_TIMEOUT};
use crate::read::{is_final, unattached};

/// A scan that gets no record for this long fails.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// Up to `limit` dead letters of positions after `after`, in the order of positions. Where several have one position,
/// the one that was appended first.
pub fn list(options: &KafkaOptions, after: Option<Position>, limit: usize) -> Result<Vec<DeadLetter>, LogError> {
    let mut dead_letters: BTreeMap<Position, DeadLetter> = BTreeMap::new();
    scan(options, |dead_letter| {
        if after.is_none_or(|after| dead_letter.position > after) {
            dead_letters.entry(dead_letter.position).or_insert(dead_letter);
        }
        // Only the lowest positions are wanted, so the highest one may go.
        if dead_letters.len() > limit {
            dead_letters.pop_last();
        }
        ControlFlow::Continue(())
    })?;
    Ok(dead_letters.into_values().collect())
}

/// The dead letter of one position.
pub fn find(options: &KafkaOptions, position: Position) -> Result<Option<DeadLetter>, LogError> {
    let mut found = None;
    scan(options, |dead_letter| {
        if dead_letter.position != position {
            return ControlFlow::Continue(());
        }
        found = Some(dead_letter);
        ControlFlow::Break(())
    })?;
    Ok(found)
}

/// Calls `look` with every dead letter in the order of appends, until the topic ends or `look` breaks. Each scan opens
/// its own reader: scans are rare, and an idle process must not keep a connection for them.
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
    let mut last_message_at = Instant::now();
    while next < end {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(received)) => {
                last_message_at = Instant::now();
                next = received.offset() + 1;
                match message::read(&received) {
                    Ok(found) => {
                        if look(found).is_break() {
                            break;
                        }
                    }
                    // A foreign message must not hide the dead letters after it.
                    Err(why) => {
                        tracing::warn!(topic, offset = received.offset(), why, "passed over what is no dead letter");
                    }
                }
            }
            // Only control messages lie between the last message and the end.
            Some(Err(KafkaError::PartitionEOF(_))) => break,
            Some(Err(error)) if is_final(&error) => return Err(unavailable(error)),
            _ if last_message_at.elapsed() > READ_TIMEOUT => {
                return Err(LogError::Unavailable(FailureCause::timeout(format!(
                    "{topic} was not read to its end within {READ_TIMEOUT:?}"
                ))));
            }
            _ => {}
        }
    }
    Ok(())
}
