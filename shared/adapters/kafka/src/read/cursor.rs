//! The position after the last read, so that the next read continues with the records fetched ahead.

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

/// A read that gets no record for this long fails.
const READ_TIMEOUT: Duration = Duration::from_secs(15);
/// After this time without a read the partition is unassigned and the records fetched ahead are dropped.
const IDLE_AFTER: Duration = Duration::from_secs(2);

#[derive(Default)]
pub struct Cursor {
    assigned: Option<AssignedPartition>,
    read_at: Option<Instant>,
}

/// A partition that is assigned.
struct AssignedPartition {
    partition: Partition,
    /// The offset of the next read.
    next: i64,
    /// The partition's end offset when it was assigned.
    end: i64,
    /// A polled record that did not fit in its read.
    held: Option<Consumed>,
}

impl Cursor {
    /// Records of the range: at least one where there is any, then up to about `max_bytes` of payload.
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
        // Also set for a read that fails, since it may leave its partition assigned.
        self.read_at = Some(Instant::now());
        let goes_on = |assigned: &AssignedPartition| {
            assigned.partition == partition
                && assigned.next == range.start
                && assigned.next < assigned.end.min(range.end)
        };
        let assigned = match self.assigned.take().filter(goes_on) {
            Some(assigned) => Some(assigned),
            None => {
                AssignedPartition::take(reader, partition, range.start).map_err(|error| client::unavailable(&error))?
            }
        };
        let Some(mut assigned) = assigned else { return Ok(Vec::new()) };
        let records = assigned.records(reader, range, max_bytes)?;
        self.assigned = Some(assigned);
        Ok(records)
    }

    /// Whether no partition is assigned. Unassigns the partition first if it has not been read for [`IDLE_AFTER`].
    pub fn is_idle(&mut self, consumer: &BaseConsumer<Asking>) -> bool {
        if self.read_at.is_some_and(|read_at| read_at.elapsed() < IDLE_AFTER) {
            return false;
        }
        self.assigned = None;
        self.read_at.take().is_none() || consumer.unassign().is_ok()
    }
}

impl AssignedPartition {
    /// Assigns a partition at `from`; `None` if it has no records from there on.
    fn take(reader: &Reader, partition: Partition, from: i64) -> Result<Option<AssignedPartition>, KafkaError> {
        let (first, end) = reader.span(partition)?;
        let next = from.max(first);
        if next >= end {
            return Ok(None);
        }
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&reader.topic, ends::number(partition), Offset::Offset(next))?;
        reader.consumer.assign(&list)?;
        Ok(Some(AssignedPartition { partition, next, end, held: None }))
    }

    fn records(&mut self, reader: &Reader, range: Range<i64>, max_bytes: usize) -> Result<Vec<Consumed>, LogError> {
        let until = range.end.min(self.end);
        let (mut records, mut bytes): (Vec<Consumed>, usize) = (Vec::new(), 0);
        let mut last_record_at = Instant::now();
        while self.next < until {
            let Some(record) = self.held.take().map(Ok).or_else(|| self.poll(reader)).transpose()? else {
                if last_record_at.elapsed() > READ_TIMEOUT {
                    let (partition, next) = (self.partition, self.next);
                    return Err(LogError::Unavailable(FailureCause::timeout(format!(
                        "partition {partition} of {} was not read from {next} on within {READ_TIMEOUT:?}",
                        reader.topic
                    ))));
                }
                continue;
            };
            last_record_at = Instant::now();
            // Transaction markers of other producers and retention leave gaps.
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

    /// The next record of this partition, if one comes soon. At the partition's end `next` becomes `end`.
    fn poll(&mut self, reader: &Reader) -> Option<Result<Consumed, LogError>> {
        match reader.consumer.poll(Duration::from_millis(100))? {
            Ok(message) => {
                let record = wire::consumed(&message, reader.generation)?;
                (record.position.partition == self.partition && record.position.offset >= self.next)
                    .then_some(Ok(record))
            }
            Err(KafkaError::PartitionEOF(partition)) => {
                if partition == ends::number(self.partition) {
                    // No records lie between here and the end.
                    self.next = self.end;
                }
                None
            }
            Err(error) if is_final(&error) => Some(Err(client::unavailable(&error))),
            // librdkafka recovers from the others by itself, or the read times out.
            Err(_) => None,
        }
    }
}

/// Whether a retry cannot help.
pub fn is_final(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    let code = error.rdkafka_error_code();
    matches!(code, Some(Code::UnknownTopicOrPartition | Code::TopicAuthorizationFailed | Code::Fatal))
}
