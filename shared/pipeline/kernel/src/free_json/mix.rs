//! The hash of a tag and a value, of which the hashes of all JSON values are made.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Stored hashes depend on it, so it must never change.
pub(super) fn mix(tag: u64, value: u64) -> u64 {
    xxh3_64_with_seed(&value.to_le_bytes(), tag)
}
