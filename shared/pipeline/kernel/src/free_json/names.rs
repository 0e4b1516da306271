//! The names of one object's members, by their hashes: whether one is there twice.

use std::collections::HashSet;

/// Most objects have no more members; theirs need no memory of their own.
const FEW: usize = 16;

#[derive(Default)]
pub(super) struct Names {
    few: [u64; FEW],
    count: usize,
    many: HashSet<u64>,
}

impl Names {
    /// Whether the name is new. Two names of one hash would be taken for one; nobody meets two by chance.
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
