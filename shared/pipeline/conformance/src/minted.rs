//! New owners, and positions for their writes.

use tidegate_kernel::{LogKey, Position};
use tidegate_ports::{Ids, RandomIds};

/// An owner that no other case writes for.
pub fn owner() -> LogKey {
    let random = RandomIds.random();
    LogKey::new(&random, &["owner_", &text(&random)])
}

/// A new owner of the same shard, without the same identity.
pub fn owner_of_shard(shard: u16) -> LogKey {
    // One in 1,024 is of the shard.
    std::iter::repeat_with(owner).find(|owner| owner.shard() == shard).expect("there is always a next one")
}

/// A text that no other case uses.
pub fn name() -> String {
    text(&RandomIds.random())
}

/// An id's 128 bits that no other case uses.
pub fn bits() -> u128 {
    let [low, high] = [RandomIds.random(), RandomIds.random()];
    low.into_iter().chain(high).take(16).fold(0, |bits, byte| bits << 8 | u128::from(byte))
}

/// A position of an owner's records: all of them are in one partition.
pub fn at(offset: i64) -> Position {
    Position { generation: 1, partition: 3, offset }
}

/// The same in the next generation of the topic, which is after every position of the one before.
pub fn at_in_next(offset: i64) -> Position {
    Position { generation: 2, partition: 7, offset }
}

fn text(random: &[u8]) -> String {
    random.iter().map(|byte| format!("{byte:02x}")).collect()
}
