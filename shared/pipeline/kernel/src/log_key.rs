//! The key of a record on the log: what decides its partition, and what a reader of the topic sees.

use std::fmt;

use crate::Partition;
use crate::free_json::text_hash;

const MAX_BYTES: usize = 95;

/// Names one thing of a product. All its records go to one partition, in the order of their appends, so that whoever
/// owns the partition is its only writer.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LogKey {
    hash: u64,
    text: [u8; MAX_BYTES],
    bytes: u8,
}

impl LogKey {
    /// The longest text.
    pub const MAX_BYTES: usize = MAX_BYTES;

    /// `identity` chooses the partition: it must be the same for ever. `parts` put together are the key's text, which is
    /// cut after [`LogKey::MAX_BYTES`] bytes.
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

    /// The one of so many partitions that all records of this key go to: for ever, so the hash must never change.
    pub fn partition(self, partitions: u32) -> Partition {
        // A remainder of a u32 fits one.
        (self.hash % u64::from(partitions.max(1))) as Partition
    }

    /// The record's key as readers of the topic see it.
    pub fn text(&self) -> &str {
        // It was put together from whole characters.
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
