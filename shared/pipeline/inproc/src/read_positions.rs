//! The read position of one consumer in each of its partitions, and the order of their turns.

use std::collections::BTreeMap;

use tidegate_kernel::{Partition, PartitionEpoch};

/// The partitions of one group member.
#[derive(Debug, Default)]
pub struct ReadPositions {
    partitions: BTreeMap<Partition, ReadPosition>,
    /// The partition served last. The next turn starts after it.
    last_served: Option<Partition>,
}

#[derive(Clone, Copy, Debug)]
struct ReadPosition {
    epoch: u64,
    next_offset: i64,
    paused: bool,
}

impl ReadPositions {
    /// Adds an assigned partition, to be read from `next_offset` on.
    pub fn open(&mut self, assigned: PartitionEpoch, next_offset: i64) {
        let position = ReadPosition { epoch: assigned.epoch, next_offset, paused: false };
        self.partitions.insert(assigned.partition, position);
    }

    /// Removes a partition. A stale assignment changes nothing.
    pub fn close(&mut self, gone: PartitionEpoch) {
        if self.position(gone).is_some() {
            self.partitions.remove(&gone.partition);
        }
    }

    /// Pauses or resumes a partition. A stale assignment changes nothing.
    pub fn pause(&mut self, of: PartitionEpoch, paused: bool) {
        if let Some(position) = self.position(of) {
            position.paused = paused;
        }
    }

    /// Records that the records below `next_offset` were handed out. Returns whether the assignment is still valid.
    pub fn advance(&mut self, of: PartitionEpoch, next_offset: i64) -> bool {
        let Some(position) = self.position(of) else { return false };
        position.next_offset = next_offset;
        self.last_served = Some(of.partition);
        true
    }

    /// The partitions that are not paused with their next offsets, the one that waited longest first.
    pub fn turns(&self) -> Vec<(PartitionEpoch, i64)> {
        let first = self.last_served.map_or(0, |last| last.saturating_add(1));
        let in_turn = self.partitions.range(first..).chain(self.partitions.range(..first));
        in_turn
            .filter(|(_, position)| !position.paused)
            .map(|(partition, position)| {
                (PartitionEpoch { partition: *partition, epoch: position.epoch }, position.next_offset)
            })
            .collect()
    }

    fn position(&mut self, of: PartitionEpoch) -> Option<&mut ReadPosition> {
        self.partitions.get_mut(&of.partition).filter(|position| position.epoch == of.epoch)
    }
}
