//! Where a record stands on the log.

use serde::{Deserialize, Serialize};

/// A partition's number within its topic, from 0.
pub type Partition = u32;

/// A record's place: topic generation, partition, offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    pub generation: u16,
    pub partition: Partition,
    /// From 0, growing within the partition.
    pub offset: i64,
}

impl Position {
    const OFFSET_BITS: u32 = 48;

    /// The write timestamp that a store uses for what was folded up to this record: the generation in the high
    /// bits, the offset in the low 48. Within one run's partition it grows strictly with the log.
    pub const fn write_timestamp(&self) -> i64 {
        ((self.generation as i64) << Self::OFFSET_BITS) | (self.offset & ((1 << Self::OFFSET_BITS) - 1))
    }
}
