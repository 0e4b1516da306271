//! The offset ledger: which offsets may be committed.
//!
//! An offset is committable when everything read before it in its partition is done. Completions of a former
//! assignment are ignored, whatever they say. Nothing but the ledger makes a [`Committable`].

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
    partitions: HashMap<Partition, Lane>,
}

#[derive(Clone, Debug, Default)]
struct Lane {
    epoch: u64,
    /// Offsets read and whether each is done. Finished prefixes are dropped.
    open: BTreeMap<i64, bool>,
    /// One past the last offset of the finished prefix; `None` until something finished.
    next_offset: Option<i64>,
    /// What was handed out last.
    handed_out: Option<i64>,
}

impl Ledger {
    /// A partition was assigned. An older epoch than the one known changes nothing.
    pub fn assign(&mut self, assigned: PartitionEpoch) {
        let lane = self.partitions.entry(assigned.partition).or_default();
        if assigned.epoch > lane.epoch {
            *lane = Lane { epoch: assigned.epoch, ..Lane::default() };
        }
    }

    /// A partition was taken away: all that is open in it is forgotten. A stale epoch changes nothing.
    pub fn revoke(&mut self, revoked: PartitionEpoch) {
        if self.lane(revoked).is_some() {
            self.partitions.remove(&revoked.partition);
        }
    }

    /// `offset` was read. Offsets come in growing order; gaps are allowed. What is finished already stays finished.
    pub fn read(&mut self, from: PartitionEpoch, offset: i64) {
        if let Some(lane) = self.lane(from)
            && lane.next_offset.is_none_or(|next| offset >= next)
        {
            lane.open.entry(offset).or_insert(false);
        }
    }

    /// `offset` is stored, or its dead letter is acknowledged.
    pub fn done(&mut self, from: PartitionEpoch, offset: i64) {
        let Some(lane) = self.lane(from) else { return };
        if let Some(done) = lane.open.get_mut(&offset) {
            *done = true;
        }
        while let Some(first) = lane.open.first_entry().filter(|first| *first.get()) {
            lane.next_offset = Some(first.key() + 1);
            first.remove();
        }
    }

    /// How many offsets are read and not yet part of the finished prefix.
    pub fn open(&self) -> usize {
        self.partitions.values().map(|lane| lane.open.len()).sum()
    }

    /// The same for one assignment.
    pub fn open_in(&self, of: PartitionEpoch) -> usize {
        let lane = self.partitions.get(&of.partition).filter(|lane| lane.epoch == of.epoch);
        lane.map_or(0, |lane| lane.open.len())
    }

    /// What may be committed now and was not handed out before, at most one per partition.
    pub fn take_committable(&mut self) -> Vec<Committable> {
        let news = |(partition, lane): (&Partition, &mut Lane)| {
            let next_offset = lane.next_offset.filter(|_| lane.next_offset != lane.handed_out)?;
            lane.handed_out = Some(next_offset);
            let partition = PartitionEpoch { partition: *partition, epoch: lane.epoch };
            Some(Committable { partition, next_offset })
        };
        self.partitions.iter_mut().filter_map(news).collect()
    }

    fn lane(&mut self, of: PartitionEpoch) -> Option<&mut Lane> {
        self.partitions.get_mut(&of.partition).filter(|lane| lane.epoch == of.epoch)
    }
}
