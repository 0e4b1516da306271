//! Hashing ids quickly, under a key that is not known outside: clients choose the ids.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Makes hashers for keys that are one `u128`. Each map has a key of its own.
pub(super) struct Keyed([u64; 2]);

impl Default for Keyed {
    fn default() -> Self {
        let random = RandomState::new();
        Keyed([random.hash_one(0), random.hash_one(1)])
    }
}

impl BuildHasher for Keyed {
    type Hasher = Folded;

    fn build_hasher(&self) -> Folded {
        Folded { key: self.0, hash: 0 }
    }
}

/// The two halves of an id, each under its half of the key, multiplied, and the product folded: all bits of the id
/// reach all bits of the hash.
pub(super) struct Folded {
    key: [u64; 2],
    hash: u64,
}

fn folded(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    // The two halves of the product.
    product as u64 ^ (product >> 64) as u64
}

impl Hasher for Folded {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.hash = folded(self.hash ^ u64::from(*byte) ^ self.key[0], self.key[1] | 1);
        }
    }

    fn write_u128(&mut self, bits: u128) {
        let halves = folded(bits as u64 ^ self.key[0], (bits >> 64) as u64 ^ self.key[1]);
        self.hash = folded(halves ^ self.hash, self.key[0] | 1);
    }

    fn finish(&self) -> u64 {
        self.hash
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn neighbouring_ids_spread_over_all_bits() {
        let keyed = Keyed::default();
        let hashes: Vec<u64> = (0..4_096u128).map(|id| keyed.hash_one((id << 64) | 7)).collect();
        assert_eq!(hashes.iter().collect::<HashSet<_>>().len(), hashes.len());
        for bit in 0..u64::BITS {
            let set = hashes.iter().filter(|hash| **hash >> bit & 1 == 1).count();
            assert!((1_400..2_700).contains(&set), "bit {bit} is set in {set} of 4096");
        }
    }

    #[test]
    fn each_map_has_its_own_key() {
        assert_ne!(Keyed::default().hash_one(5u128), Keyed::default().hash_one(5u128));
    }
}
