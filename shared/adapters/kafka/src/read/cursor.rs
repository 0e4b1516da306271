//! Where the last read ended: the next one goes on there with what was fetched ahead.

use std::ops::Range;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};
use tidegate_kernel::Partition;
use tidegate_ports::{Consumed, FailureCause, LogError};

use super::Reader;
use crate::client::Asking;
use crate::{client, ends, wire};

/// Without a word for so long the broker has no answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// Who has not read on for so long does not, and what was fetched ahead is let go of.
const IDLE_AFTER: Duration = Duration::from_secs(2);

#[derive(Default)]
pub struct Cursor {
    place: Option<Place>,
    read_at: Option<Instant>,
}

/// A partition that is assigned.
struct Place {
    partition: Partition,
    /// The offset to be read next.
    next: i64,
    /// The partition's end when last asked for.
    end: i64,
    /// A record that was polled and did not fit its read.
    held: Option<Consumed>,
}

impl Cursor {
    /// Records of the range, at least one where there is any, then up to about `max_bytes` of payload.
    pub fn read(
        &mut self,
        reader: &Reader,
        partition: Partition,
        range: Range<i64>,
        max_bytes: usize,
    ) -> Result<Vec<Consumed>, LogError> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        // Also of a read that fails: it may leave its partition assigned.
        self.read_at = Some(Instant::now());
        let goes_on = |place: &Place| {
            place.partition == partition && place.next == range.start && place.next < place.end.min(range.end)
        };
        let place = match self.place.take().filter(goes_on) {
            Some(place) => Some(place),
            None => Place::take(reader, partition, range.start).map_err(|error| client::unavailable(&error))?,
        };
        let Some(mut place) = place else { return Ok(Vec::new()) };
        let records = place.records(reader, range, max_bytes)?;
        self.place = Some(place);
        Ok(records)
    }

    /// Whether no records are assigned; a partition that nobody reads on is given up for that.
    pub fn is_idle(&mut self, consumer: &BaseConsumer<Asking>) -> bool {
        if self.read_at.is_some_and(|read_at| read_at.elapsed() < IDLE_AFTER) {
            return false;
        }
        self.place = None;
        self.read_at.take().is_none() || consumer.unassign().is_ok()
    }
}

impl Place {
    /// Assigns a partition; `None` if it has nothing from there on.
    fn take(reader: &Reader, partition: Partition, from: i64) -> Result<Option<Place>, KafkaError> {
        let (first, end) = reader.span(partition)?;
        let next = from.max(first);
        if next >= end {
            return Ok(None);
        }
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&reader.topic, ends::number(partition), Offset::Offset(next))?;
        reader.consumer.assign(&list)?;
        Ok(Some(Place { partition, next, end, held: None }))
    }

    fn records(&mut self, reader: &Reader, range: Range<i64>, max_bytes: usize) -> Result<Vec<Consumed>, LogError> {
        let until = range.end.min(self.end);
        let (mut records, mut bytes): (Vec<Consumed>, usize) = (Vec::new(), 0);
        let mut heard_at = Instant::now();
        while self.next < until {
            let Some(record) = self.held.take().map(Ok).or_else(|| self.poll(reader)).transpose()? else {
                if heard_at.elapsed() > PATIENCE {
                    let (partition, next) = (self.partition, self.next);
                    return Err(LogError::Unavailable(FailureCause::timeout(format!(
                        "partition {partition} of {} was not read from {next} on within {PATIENCE:?}",
                        reader.topic
                    ))));
                }
                continue;
            };
            heard_at = Instant::now();
            // Control messages of others' transactions leave gaps, and so does retention.
            self.next = record.position.offset;
            let is_beyond = record.position.offset >= until;
            bytes += record.payload.len();
            if is_beyond || (bytes > max_bytes && !records.is_empty()) {
                self.held = Some(record);
                break;
            }
            self.next = record.position.offset + 1;
            records.push(record);
        }
        Ok(records)
    }

    /// The next message of this partition, if one comes soon. At the partition's end there is nothing more to wait for.
    fn poll(&mut self, reader: &Reader) -> Option<Result<Consumed, LogError>> {
        match reader.consumer.poll(Duration::from_millis(100))? {
            Ok(message) => {
                let record = wire::consumed(&message, reader.generation)?;
                (record.position.partition == self.partition && record.position.offset >= self.next)
                    .then_some(Ok(record))
            }
            Err(KafkaError::PartitionEOF(partition)) => {
                if partition == ends::number(self.partition) {
                    // What lies between here and the end is no record.
                    self.next = self.end;
                }
                None
            }
            Err(error) if is_final(&error) => Some(Err(client::unavailable(&error))),
            // librdkafka mends the others by itself, or the patience ends.
            Err(_) => None,
        }
    }
}

/// Whether waiting cannot help.
pub fn is_final(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    let code = error.rdkafka_error_code();
    matches!(code, Some(Code::UnknownTopicOrPartition | Code::TopicAuthorizationFailed | Code::Fatal))
}
