//! Reading all dead letters there are, for whoever looks into them.

use std::collections::BTreeMap;
use std::ops::{Bound, RangeBounds};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};
use tidegate_domain::Position;
use tidegate_ports::{DeadLetter, LogError};

use super::letter;
use crate::KafkaOptions;
use crate::client::{self, Asking, QUESTION_TIMEOUT};

/// Without a record for so long the broker has no answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Up to `limit` letters of these positions, in their order; of several with one position the first one buried.
pub fn read(
    options: &KafkaOptions,
    within: (Bound<Position>, Bound<Position>),
    limit: usize,
) -> Result<Vec<DeadLetter>, LogError> {
    let unavailable = |error: KafkaError| client::unavailable(&error);
    let topic = &options.topics.dead_letters;
    let consumer = reader(options)?;
    let (first, end) = consumer.fetch_watermarks(topic, 0, QUESTION_TIMEOUT).map_err(unavailable)?;
    let mut letters: BTreeMap<Position, DeadLetter> = BTreeMap::new();
    if first < end {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, 0, Offset::Offset(first)).map_err(unavailable)?;
        consumer.assign(&list).map_err(unavailable)?;
    }
    let mut next = first;
    let mut heard_at = Instant::now();
    while next < end {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                heard_at = Instant::now();
                next = message.offset() + 1;
                match letter::read(&message) {
                    Ok(found) if !within.contains(&found.position) => {}
                    Ok(found) => {
                        letters.entry(found.position).or_insert(found);
                    }
                    // Somebody else's message: it must not hide the letters.
                    Err(why) => {
                        tracing::warn!(topic, offset = message.offset(), why, "passed over what is no dead letter")
                    }
                }
                // Only the oldest are wanted: whatever falls out here would never come back in.
                if letters.len() > limit {
                    letters.pop_last();
                }
            }
            Some(Err(error)) if is_final(&error) => return Err(unavailable(error)),
            _ if heard_at.elapsed() > PATIENCE => {
                return Err(LogError::Unavailable(format!("{topic} was not read to its end within {PATIENCE:?}")));
            }
            _ => {}
        }
    }
    Ok(letters.into_values().collect())
}

fn is_final(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    let code = error.rdkafka_error_code();
    matches!(code, Some(Code::UnknownTopicOrPartition | Code::TopicAuthorizationFailed | Code::Fatal))
}

/// A reader of its own for each look: letters are looked at seldom, and it must not keep a connection.
fn reader(options: &KafkaOptions) -> Result<BaseConsumer<Asking>, LogError> {
    let mut config = client::base_config(options, "dead-letters");
    config
        // Assigning wants the name of a group; none is ever joined, and nothing is committed.
        .set("group.id", format!("{}.reader", options.topics.dead_letters))
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .set("socket.timeout.ms", "10000");
    let made = client::with_extra(config, options).create_with_context(Asking);
    made.map_err(|error| client::broken(&error))
}
