//! The newest records of one partition, in memory: a consumer that keeps up never reads the file.

use std::collections::VecDeque;

use tidegate_ports::Consumed;

/// Bytes of a record in memory without its payload, about.
const OVERHEAD_BYTES: usize = 64;

/// Records up to the partition's end, without gaps.
#[derive(Debug)]
pub(super) struct Tail {
    records: VecDeque<Consumed>,
    /// The offset that the next record gets.
    end: i64,
    bytes: usize,
    max_bytes: usize,
}

impl Tail {
    pub fn new(end: i64, max_bytes: usize) -> Self {
        Tail { records: VecDeque::new(), end, bytes: 0, max_bytes }
    }

    /// The next offset of the partition.
    pub const fn end(&self) -> i64 {
        self.end
    }

    /// The first offset kept here; the end if there is none.
    pub fn first(&self) -> i64 {
        self.end - self.records.len() as i64
    }

    /// Adds the record at the end. Drops the oldest ones that are beyond the byte bound.
    pub fn push(&mut self, record: Consumed) {
        debug_assert_eq!(record.position.offset, self.end, "offsets have no gaps");
        self.end = record.position.offset + 1;
        self.bytes += record.payload.len() + OVERHEAD_BYTES;
        self.records.push_back(record);
        while self.bytes > self.max_bytes
            && let Some(oldest) = self.records.pop_front()
        {
            self.bytes -= oldest.payload.len() + OVERHEAD_BYTES;
        }
    }

    /// Drops all records and continues at `end`.
    pub fn restart(&mut self, end: i64) {
        *self = Tail::new(end, self.max_bytes);
    }

    pub fn get(&self, offset: i64) -> Option<&Consumed> {
        self.records.get(usize::try_from(offset - self.first()).ok()?)
    }

    /// Records from `offset` on, at least one and then up to about `max_bytes`; `None` if `offset` is not kept here.
    pub fn read(&self, offset: i64, max_bytes: usize) -> Option<Vec<Consumed>> {
        let skipped = usize::try_from(offset - self.first()).ok().filter(|skipped| *skipped < self.records.len())?;
        let mut bytes = 0;
        let within = |record: &&Consumed| {
            bytes += record.payload.len();
            bytes <= max_bytes || bytes == record.payload.len()
        };
        Some(self.records.iter().skip(skipped).take_while(within).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tidegate_kernel::{Position, Timestamp};

    use super::*;

    fn record(offset: i64, bytes: usize) -> Consumed {
        let position = Position { generation: 1, partition: 0, offset };
        Consumed::plain(position, Timestamp::from_millis(offset), Bytes::from(vec![0; bytes]))
    }

    fn offsets(records: Option<Vec<Consumed>>) -> Option<Vec<i64>> {
        Some(records?.iter().map(|record| record.position.offset).collect())
    }

    #[test]
    fn keeps_the_newest_within_its_bytes() {
        let mut tail = Tail::new(5, 3 * (100 + OVERHEAD_BYTES));
        (5..10).for_each(|offset| tail.push(record(offset, 100)));
        assert_eq!((tail.first(), tail.end()), (7, 10));
        assert_eq!(offsets(tail.read(6, 1_000)), None);
        assert_eq!(offsets(tail.read(7, 1_000)), Some(vec![7, 8, 9]));
        assert_eq!(offsets(tail.read(10, 1_000)), None);
        assert!(tail.get(6).is_none() && tail.get(9).is_some() && tail.get(10).is_none());
    }

    #[test]
    fn a_read_has_at_least_one_record_and_stays_within_its_budget() {
        let mut tail = Tail::new(0, 10_000);
        (0..5).for_each(|offset| tail.push(record(offset, 100)));
        assert_eq!(offsets(tail.read(0, 0)), Some(vec![0]));
        assert_eq!(offsets(tail.read(1, 250)), Some(vec![1, 2]));
    }

    #[test]
    fn a_record_beyond_the_bound_is_passed_on_without_being_kept() {
        let mut tail = Tail::new(0, 50);
        tail.push(record(0, 100));
        assert_eq!((tail.first(), tail.end()), (1, 1));
    }
}
