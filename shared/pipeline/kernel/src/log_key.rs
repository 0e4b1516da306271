//! The key of a record on the log: a hash that selects its partition, and a text for readers of the topic.

use std::fmt;

use crate::Partition;
use crate::free_json::text_hash;

const MAX_BYTES: usize = 95;

/// The key of one object of a product. All records of a key go to one partition, in the order of their appends, so that
/// the partition's owner is the object's only writer.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LogKey {
    hash: u64,
    text: [u8; MAX_BYTES],
    bytes: u8,
}

impl LogKey {
    /// How many shards there are. Stored rows depend on it, so it must never change.
    pub const SHARDS: u16 = 1_024;

    /// Bytes of the text at most.
    pub const MAX_BYTES: usize = MAX_BYTES;

    /// `identity` selects the partition and must never change. `parts`, joined, are the key's text, which is cut after
    /// [`LogKey::MAX_BYTES`] bytes.
    pub fn new(identity: &[u8], parts: &[&str]) -> Self {
        let mut key = LogKey { hash: text_hash(&[identity]), text: [0; MAX_BYTES], bytes: 0 };
        for part in parts {
            let from = usize::from(key.bytes);
            let fitting = part.floor_char_boundary(MAX_BYTES - from);
            key.text[from..from + fitting].copy_from_slice(&part.as_bytes()[..fitting]);
            // At most MAX_BYTES, which fits.
            key.bytes += fitting as u8;
            if fitting < part.len() {
                break;
            }
        }
        key
    }

    /// The partition of this key among `partitions`. Stored records depend on it, so the hash must never change.
    pub fn partition(self, partitions: u32) -> Partition {
        // A remainder of a u32 fits one.
        (self.hash % u64::from(partitions.max(1))) as Partition
    }

    /// The shard of this key among [`LogKey::SHARDS`], for tables that are read shard by shard. Where the partition count
    /// divides that number, each shard belongs to one partition.
    pub fn shard(self) -> u16 {
        // A remainder of a u16 fits one.
        (self.hash % u64::from(Self::SHARDS)) as u16
    }

    /// The key as readers of the topic see it.
    pub fn text(&self) -> &str {
        // Only whole characters were copied.
        std::str::from_utf8(&self.text[..usize::from(self.bytes)]).unwrap_or_default()
    }
}

impl fmt::Debug for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LogKey").field(&self.text()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_the_parts_cut_at_a_whole_character() {
        assert_eq!(LogKey::new(b"x", &["team", "/", "run"]).text(), "team/run");
        let long = "x".repeat(MAX_BYTES - 1);
        assert_eq!(LogKey::new(b"x", &[&long, "é", "y"]).text(), long);
        assert_eq!(LogKey::new(b"x", &[&long, "yz"]).text(), format!("{long}y"));
    }

    #[test]
    fn the_partition_is_a_matter_of_the_identity_alone_and_never_changes() {
        let partitions = |identity: &[u8]| [1, 3, 12, 4_096].map(|n| LogKey::new(identity, &["any"]).partition(n));
        assert_eq!(partitions(b"run-1"), partitions(b"run-1"));
        // As the first topics were written.
        assert_eq!(partitions(&[7; 32]), [0, 2, 5, 2_385]);
        assert_eq!(LogKey::new(b"x", &[]).partition(0), 0, "no partitions count as one");
    }
}
