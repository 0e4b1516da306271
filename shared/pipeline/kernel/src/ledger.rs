//! The offset ledger: which offsets may be committed.
//!
//! An offset is committable when everything read before it in its partition is done. Completions of a former
//! assignment are ignored. Only the ledger creates a [`Committable`].

use std::collections::{BTreeMap, HashMap};

use crate::Partition;

/// One assignment of one partition to this consumer. A later assignment of the partition has a greater epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartitionEpoch {
    pub partition: Partition,
    pub epoch: u64,
}

/// Proof that everything before `next_offset` in the partition is done, under this assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committable {
    partition: PartitionEpoch,
    next_offset: i64,
}

impl Committable {
    pub const fn partition(&self) -> PartitionEpoch {
        self.partition
    }

    /// The offset to read next: the value that a consumer group commits.
    pub const fn next_offset(&self) -> i64 {
        self.next_offset
    }
}

/// Tracks the offsets of every assigned partition.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    partitions: HashMap<Partition, AssignedOffsets>,
}

#[derive(Clone, Debug, Default)]
struct AssignedOffsets {
    epoch: u64,
    /// Offsets read and whether each is done. Finished prefixes are dropped.
    open: BTreeMap<i64, bool>,
    /// One past the last offset of the finished prefix; `None` until something finished.
    next_offset: Option<i64>,
    /// The last `next_offset` that was handed out as committable.
    handed_out: Option<i64>,
}

impl Ledger {
    /// Records an assignment. An older epoch than the known one changes nothing.
    pub fn assign(&mut self, assigned: PartitionEpoch) {
        let assigned_offsets = self.partitions.entry(assigned.partition).or_default();
        if assigned.epoch > assigned_offsets.epoch {
            *assigned_offsets = AssignedOffsets { epoch: assigned.epoch, ..AssignedOffsets::default() };
        }
    }

    /// Records a revocation: the partition's offsets are dropped. A stale epoch changes nothing.
    pub fn revoke(&mut self, revoked: PartitionEpoch) {
        if self.assigned_offsets(revoked).is_some() {
            self.partitions.remove(&revoked.partition);
        }
    }

    /// Records that `offset` was read. Offsets come in growing order; gaps are allowed. Finished offsets stay finished.
    pub fn read(&mut self, from: PartitionEpoch, offset: i64) {
        if let Some(assigned_offsets) = self.assigned_offsets(from)
            && assigned_offsets.next_offset.is_none_or(|next| offset >= next)
        {
            assigned_offsets.open.entry(offset).or_insert(false);
        }
    }

    /// Records that `offset` is done: its record is stored, or its dead letter is acknowledged.
    pub fn done(&mut self, from: PartitionEpoch, offset: i64) {
        let Some(assigned_offsets) = self.assigned_offsets(from) else { return };
        if let Some(done) = assigned_offsets.open.get_mut(&offset) {
            *done = true;
        }
        while let Some(first) = assigned_offsets.open.first_entry().filter(|first| *first.get()) {
            assigned_offsets.next_offset = Some(first.key() + 1);
            first.remove();
        }
    }

    /// How many offsets are read and not yet part of the finished prefix.
    pub fn open(&self) -> usize {
        self.partitions.values().map(|assigned_offsets| assigned_offsets.open.len()).sum()
    }

    /// How many offsets of one assignment are read and not yet part of its finished prefix.
    pub fn open_in(&self, of: PartitionEpoch) -> usize {
        let assigned_offsets =
            self.partitions.get(&of.partition).filter(|assigned_offsets| assigned_offsets.epoch == of.epoch);
        assigned_offsets.map_or(0, |assigned_offsets| assigned_offsets.open.len())
    }

    /// The offsets that may be committed now and were not returned before, at most one per partition.
    pub fn take_committable(&mut self) -> Vec<Committable> {
        let newly_done = |(partition, assigned_offsets): (&Partition, &mut AssignedOffsets)| {
            let next_offset =
                assigned_offsets.next_offset.filter(|_| assigned_offsets.next_offset != assigned_offsets.handed_out)?;
            assigned_offsets.handed_out = Some(next_offset);
            let partition = PartitionEpoch { partition: *partition, epoch: assigned_offsets.epoch };
            Some(Committable { partition, next_offset })
        };
        self.partitions.iter_mut().filter_map(newly_done).collect()
    }

    fn assigned_offsets(&mut self, of: PartitionEpoch) -> Option<&mut AssignedOffsets> {
        self.partitions.get_mut(&of.partition).filter(|assigned_offsets| assigned_offsets.epoch == of.epoch)
    }
}
