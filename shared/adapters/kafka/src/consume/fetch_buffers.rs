//! Records fetched and not yet polled, by partition: turns, byte budgets, pauses.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tidegate_kernel::{Partition, PartitionEpoch};
use tidegate_ports::Consumed;
use tokio::time::Instant;

/// Approximate bytes of memory of a record without its payload, so that empty records have a cost too.
const RECORD_BYTES: usize = 64;

/// Approximate bytes of memory of a record. Headers count: a foreign producer may write more there than in the payload.
fn memory_bytes(record: &Consumed) -> usize {
    let provenance_bytes = record.provenance.as_deref().map_or(0, |provenance| {
        let headers = provenance.headers.iter().map(|(name, value)| name.len() + value.len() + RECORD_BYTES);
        provenance.key.len() + headers.sum::<usize>()
    });
    record.payload.len() + provenance_bytes + RECORD_BYTES
}

/// How long a new partition's first answer is waited for. It comes within milliseconds unless the broker has a problem.
const FIRST_ANSWER: Duration = Duration::from_millis(500);

/// The buffers of the assigned partitions.
#[derive(Default)]
pub struct FetchBuffers {
    buffers: BTreeMap<Partition, Buffer>,
    /// The partition that had the last turn.
    turn: Partition,
}

struct Buffer {
    epoch: PartitionEpoch,
    waiting: VecDeque<Consumed>,
    bytes: usize,
    /// Paused by the caller.
    paused: bool,
    /// Fetching is paused in librdkafka.
    held: bool,
    /// Whether librdkafka has returned a record or the end of the partition.
    answered: bool,
    opened_at: Instant,
    /// The offset after the last record taken in.
    taken_to: i64,
    /// The offset after the last record handed out.
    handed_to: i64,
}

/// What to do after taking a record in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intake {
    Kept,
    /// The partition is not ours, or the record was taken in before.
    Dropped,
    /// The partition is paused and its buffer exceeds its bytes: stop fetching it.
    Hold,
}

impl FetchBuffers {
    pub fn open(&mut self, epoch: PartitionEpoch) {
        let buffer = Buffer {
            epoch,
            waiting: VecDeque::new(),
            bytes: 0,
            paused: false,
            held: false,
            answered: false,
            opened_at: Instant::now(),
            taken_to: -1,
            handed_to: -1,
        };
        self.buffers.insert(epoch.partition, buffer);
    }

    /// Drops a partition's buffer. Returns its assignment and the offset after the last record handed out.
    pub fn close(&mut self, partition: Partition) -> Option<(PartitionEpoch, i64)> {
        self.buffers.remove(&partition).map(|buffer| (buffer.epoch, buffer.handed_to))
    }

    /// Drops all buffers and returns their assignments.
    pub fn close_all(&mut self) -> Vec<PartitionEpoch> {
        std::mem::take(&mut self.buffers).into_values().map(|buffer| buffer.epoch).collect()
    }

    pub fn len(&self) -> usize {
        self.buffers.len()
    }

    /// Takes a record in. The buffer of a paused partition may hold `paused_bytes`.
    pub fn take(&mut self, record: Consumed, paused_bytes: usize) -> Intake {
        let Some(buffer) = self.buffers.get_mut(&record.position.partition) else { return Intake::Dropped };
        if record.position.offset < buffer.taken_to {
            return Intake::Dropped;
        }
        buffer.answered = true;
        buffer.taken_to = record.position.offset + 1;
        buffer.bytes += memory_bytes(&record);
        buffer.waiting.push_back(record);
        if buffer.paused && !buffer.held && buffer.bytes > paused_bytes {
            buffer.held = true;
            return Intake::Hold;
        }
        Intake::Kept
    }

    /// librdkafka has reached the end of the partition.
    pub fn at_end(&mut self, partition: Partition) {
        if let Some(buffer) = self.buffers.get_mut(&partition) {
            buffer.answered = true;
        }
    }

    /// Until when polls wait for the first answer of a newly assigned partition. Partitions are assigned one by one:
    /// without this wait the first one would get all turns until the others are fetched.
    pub fn expected_until(&self, now: Instant) -> Option<Instant> {
        let unanswered = self.buffers.values().filter(|buffer| !buffer.answered && !buffer.paused);
        unanswered.map(|buffer| buffer.opened_at + FIRST_ANSWER).filter(|until| *until > now).max()
    }

    /// Bytes that could be handed out now.
    pub fn ready_bytes(&self) -> usize {
        self.buffers.values().filter(|buffer| !buffer.paused).map(|buffer| buffer.bytes).sum()
    }

    /// The records of the next partition that has any: at most `max_bytes` of payload, but at least one record.
    pub fn next(&mut self, max_bytes: usize) -> Option<(PartitionEpoch, Vec<Consumed>)> {
        let ready = |buffer: &Buffer| !buffer.paused && !buffer.waiting.is_empty();
        let after = self.buffers.range(self.turn + 1..).find(|(_, buffer)| ready(buffer));
        let (partition, _) = after.or_else(|| self.buffers.iter().find(|(_, buffer)| ready(buffer)))?;
        self.turn = *partition;
        let buffer = self.buffers.get_mut(&self.turn)?;
        let mut records = Vec::new();
        let mut bytes = 0;
        while let Some(first) = buffer.waiting.front() {
            bytes += first.payload.len();
            if bytes > max_bytes && !records.is_empty() {
                break;
            }
            buffer.bytes -= memory_bytes(first);
            buffer.handed_to = first.position.offset + 1;
            records.extend(buffer.waiting.pop_front());
        }
        Some((buffer.epoch, records))
    }

    /// Pauses or resumes a partition; true if fetching must be resumed in librdkafka.
    pub fn pause(&mut self, of: PartitionEpoch, paused: bool) -> bool {
        let Some(buffer) = self.buffers.get_mut(&of.partition).filter(|buffer| buffer.epoch == of) else {
            return false;
        };
        buffer.paused = paused;
        !paused && std::mem::take(&mut buffer.held)
    }

    /// The offset after the last record handed out under this assignment; `None` if it is not ours (any more).
    pub fn handed_to(&self, of: PartitionEpoch) -> Option<i64> {
        self.buffers.get(&of.partition).filter(|buffer| buffer.epoch == of).map(|buffer| buffer.handed_to)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tidegate_kernel::{Position, Timestamp};

    use super::*;

    fn epoch(partition: Partition) -> PartitionEpoch {
        PartitionEpoch { partition, epoch: 7 }
    }

    fn record(partition: Partition, offset: i64, bytes: usize) -> Consumed {
        let position = Position { generation: 1, partition, offset };
        Consumed::plain(position, Timestamp::from_millis(0), Bytes::from(vec![0; bytes]))
    }

    fn with_records(partitions: Partition, each: i64) -> FetchBuffers {
        let mut buffers = FetchBuffers::default();
        for partition in 0..partitions {
            buffers.open(epoch(partition));
            for offset in 0..each {
                assert_eq!(buffers.take(record(partition, offset, 100), 0), Intake::Kept);
            }
        }
        buffers
    }

    #[test]
    fn partitions_take_turns() {
        let mut buffers = with_records(3, 2);
        let turns: Vec<Partition> = std::iter::from_fn(|| buffers.next(0)).map(|(from, _)| from.partition).collect();
        assert_eq!(turns, [1, 2, 0, 1, 2, 0]);
        assert_eq!(buffers.ready_bytes(), 0);
    }

    #[test]
    fn a_turn_keeps_to_its_budget_and_brings_at_least_one() {
        let mut buffers = with_records(1, 10);
        let taken = [0, 99, 100, 250].map(|budget| buffers.next(budget).expect("records").1.len());
        assert_eq!(taken, [1, 1, 1, 2]);
        assert_eq!(buffers.handed_to(epoch(0)), Some(5));
    }

    #[test]
    fn a_paused_partition_gathers_a_little_and_is_then_held() {
        let mut buffers = with_records(1, 1);
        buffers.pause(epoch(0), true);
        assert!(buffers.next(1_000).is_none());
        assert_eq!(buffers.take(record(0, 1, 100), 1_000), Intake::Kept);
        assert_eq!(buffers.take(record(0, 2, 1_000), 1_000), Intake::Hold);
        assert_eq!(buffers.take(record(0, 3, 1_000), 1_000), Intake::Kept, "held once");
        assert!(buffers.pause(epoch(0), false), "fetched again");
        assert!(!buffers.pause(epoch(0), false), "once");
        assert_eq!(buffers.next(10_000).expect("all of it").1.len(), 4);
    }

    #[test]
    fn what_is_not_ours_or_came_before_is_dropped() {
        let mut buffers = with_records(1, 3);
        assert_eq!(buffers.take(record(1, 0, 1), 0), Intake::Dropped);
        assert_eq!(buffers.take(record(0, 2, 1), 0), Intake::Dropped);
        assert_eq!(buffers.close(0), Some((epoch(0), -1)));
        assert_eq!(buffers.take(record(0, 3, 1), 0), Intake::Dropped);
        assert_eq!(buffers.handed_to(epoch(0)), None);
    }

    #[test]
    fn a_new_partition_is_waited_for_until_its_first_answer() {
        let mut buffers = with_records(2, 0);
        let now = Instant::now();
        assert!(buffers.expected_until(now).is_some());
        assert_eq!(buffers.expected_until(now + 2 * FIRST_ANSWER), None, "and not longer");
        buffers.at_end(0);
        assert!(buffers.expected_until(now).is_some());
        buffers.take(record(1, 0, 1), 0);
        assert_eq!(buffers.expected_until(now), None);
        buffers.open(epoch(2));
        buffers.pause(epoch(2), true);
        assert_eq!(buffers.expected_until(now), None, "a paused partition is not waited for");
    }

    #[test]
    fn another_assignment_of_the_partition_is_not_meant() {
        let mut buffers = with_records(1, 1);
        let former = PartitionEpoch { epoch: 6, ..epoch(0) };
        buffers.pause(former, true);
        assert_eq!(buffers.handed_to(former), None);
        assert!(buffers.next(0).is_some(), "not paused by a former assignment");
    }
}
