//! Books kept in memory, so that a batch loads only those that it needs and that were not needed lately. Pure.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tidegate_kernel::command::{BookState, Decider};

/// The books used last, as they are stored.
pub(crate) struct BooksInMemory<D: Decider> {
    max_bytes: usize,
    bytes: usize,
    uses: u64,
    books: HashMap<D::Owner, Kept<D>>,
    by_use: BTreeMap<u64, D::Owner>,
}

struct Kept<D: Decider> {
    state: Arc<BookState<D::Book>>,
    bytes: usize,
    used: u64,
}

impl<D: Decider> BooksInMemory<D> {
    /// At most so many bytes of documents.
    pub fn new(max_bytes: usize) -> Self {
        BooksInMemory { max_bytes, bytes: 0, uses: 0, books: HashMap::new(), by_use: BTreeMap::new() }
    }

    pub fn get(&mut self, owner: D::Owner) -> Option<Arc<BookState<D::Book>>> {
        let kept = self.books.get_mut(&owner)?;
        self.by_use.remove(&kept.used);
        self.uses += 1;
        kept.used = self.uses;
        self.by_use.insert(kept.used, owner);
        Some(kept.state.clone())
    }

    /// Keeps a book whose document has so many bytes, instead of the one kept before. Those used longest ago go.
    pub fn put(&mut self, owner: D::Owner, state: Arc<BookState<D::Book>>, bytes: usize) {
        self.remove(owner);
        self.uses += 1;
        self.books.insert(owner, Kept { state, bytes, used: self.uses });
        self.by_use.insert(self.uses, owner);
        self.bytes += bytes;
        while self.bytes > self.max_bytes
            && let Some(oldest) = self.by_use.values().next().copied()
        {
            self.remove(oldest);
        }
    }

    fn remove(&mut self, owner: D::Owner) {
        if let Some(kept) = self.books.remove(&owner) {
            self.by_use.remove(&kept.used);
            self.bytes -= kept.bytes;
        }
    }
}
