//! The source of ids and randomness.

use std::cell::RefCell;

use tidegate_kernel::id::IdKind;
use tidegate_kernel::{Id, Region, Timestamp};

/// Randomness for new ids. Credentials use it too, so a production source must be cryptographically secure.
pub trait Ids: Send + Sync + 'static {
    fn random(&self) -> [u8; 10];
}

impl dyn Ids {
    /// A fresh UUIDv7 id of kind `K`, born at `now`.
    pub fn mint<K: IdKind>(&self, region: Region, now: Timestamp) -> Id<K> {
        Id::mint(region, now, &self.random())
    }
}

/// The operating system's random source, read in blocks: every request needs an id, and a system call for each would
/// be the largest part of its cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomIds;

const ID_BYTES: usize = 10;
const BLOCK_BYTES: usize = 64 * ID_BYTES;

/// Random bytes of one thread; those before `used` were returned and are erased.
struct Block {
    bytes: [u8; BLOCK_BYTES],
    used: usize,
}

thread_local! {
    static BLOCK: RefCell<Block> = const { RefCell::new(Block { bytes: [0; BLOCK_BYTES], used: BLOCK_BYTES }) };
}

impl Ids for RandomIds {
    fn random(&self) -> [u8; ID_BYTES] {
        BLOCK.with_borrow_mut(|block| {
            if block.used == BLOCK_BYTES {
                // Without randomness no credential is safe; Linux's getrandom does not fail once the system is up.
                getrandom::fill(&mut block.bytes).expect("the operating system gives random bytes");
                block.used = 0;
            }
            let mut id = [0; ID_BYTES];
            let next = &mut block.bytes[block.used..block.used + ID_BYTES];
            id.copy_from_slice(next);
            next.fill(0);
            block.used += ID_BYTES;
            id
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_bytes_are_given_out_twice() {
        let mint = || (0..1_000).map(|_| RandomIds.random()).collect::<Vec<_>>();
        let others = std::thread::spawn(mint).join().expect("it does not panic");
        let ids: HashSet<[u8; ID_BYTES]> = mint().into_iter().chain(others).collect();
        assert_eq!(ids.len(), 2_000);
        assert!(!ids.contains(&[0; ID_BYTES]));
    }
}
