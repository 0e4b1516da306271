//! Where one consumer stands in each of its partitions, and whose turn it is.

use std::collections::BTreeMap;

use tidegate_kernel::{Partition, PartitionEpoch};

/// The partitions of one group member.
#[derive(Debug, Default)]
pub struct Lanes {
    lanes: BTreeMap<Partition, Lane>,
    /// The partition served last: the next turn begins after it.
    last_served: Option<Partition>,
}

#[derive(Clone, Copy, Debug)]
struct Lane {
    epoch: u64,
    next_offset: i64,
    paused: bool,
}

impl Lanes {
    /// A partition came, to be read from `next_offset` on.
    pub fn open(&mut self, assigned: PartitionEpoch, next_offset: i64) {
        let lane = Lane { epoch: assigned.epoch, next_offset, paused: false };
        self.lanes.insert(assigned.partition, lane);
    }

    /// A partition went. A stale assignment changes nothing.
    pub fn close(&mut self, gone: PartitionEpoch) {
        if self.lane(gone).is_some() {
            self.lanes.remove(&gone.partition);
        }
    }

    /// A stale assignment changes nothing.
    pub fn pause(&mut self, of: PartitionEpoch, paused: bool) {
        if let Some(lane) = self.lane(of) {
            lane.paused = paused;
        }
    }

    /// Records up to `next_offset` were handed out. Returns whether the assignment still stands.
    pub fn advance(&mut self, of: PartitionEpoch, next_offset: i64) -> bool {
        let Some(lane) = self.lane(of) else { return false };
        lane.next_offset = next_offset;
        self.last_served = Some(of.partition);
        true
    }

    /// Partitions that may be read and from where, the one that waited longest first.
    pub fn turns(&self) -> Vec<(PartitionEpoch, i64)> {
        let first = self.last_served.map_or(0, |last| last.saturating_add(1));
        let in_turn = self.lanes.range(first..).chain(self.lanes.range(..first));
        in_turn
            .filter(|(_, lane)| !lane.paused)
            .map(|(partition, lane)| (PartitionEpoch { partition: *partition, epoch: lane.epoch }, lane.next_offset))
            .collect()
    }

    fn lane(&mut self, of: PartitionEpoch) -> Option<&mut Lane> {
        self.lanes.get_mut(&of.partition).filter(|lane| lane.epoch == of.epoch)
    }
}
