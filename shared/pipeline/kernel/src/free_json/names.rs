//! Detects duplicate member names in one object, by their hashes.

use std::collections::HashSet;

/// Members whose hashes are kept on the stack; most objects have no more.
const FEW: usize = 16;

#[derive(Default)]
pub(super) struct Names {
    few: [u64; FEW],
    count: usize,
    many: HashSet<u64>,
}

impl Names {
    /// Whether the name is new. A hash collision would count as a duplicate; its probability is negligible.
    pub fn is_new(&mut self, hash: u64) -> bool {
        if self.count < FEW {
            let is_new = !self.few[..self.count].contains(&hash);
            self.few[self.count] = hash;
            self.count += 1;
            return is_new;
        }
        if self.many.is_empty() {
            self.many.extend(self.few);
        }
        self.many.insert(hash)
    }
}
