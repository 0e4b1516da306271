//! Which shards of the store the owners of a partition can be in.

use tidegate_kernel::{LogKey, Partition};

/// Whether owners of the partition can be in this shard: each shard belongs to one partition where the number of
/// partitions divides that of shards.
pub(crate) fn may_hold(shard: u16, partition: Partition, partitions: u32) -> bool {
    let (shards, partitions) = (u32::from(LogKey::SHARDS), partitions.max(1));
    !shards.is_multiple_of(partitions) || u32::from(shard) % partitions == partition
}
