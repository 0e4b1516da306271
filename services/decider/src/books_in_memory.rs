//! Books kept in memory, so that a batch loads only those that were not needed lately. Pure.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::Arc;

/// What a book takes apart from its document.
const OVERHEAD_BYTES: usize = 512;

/// The books used last, by owner, as they are stored.
pub(crate) struct BooksInMemory<O, B> {
    max_bytes: usize,
    bytes: usize,
    uses: u64,
    books: HashMap<O, Kept<B>>,
    by_use: BTreeMap<u64, O>,
}

struct Kept<B> {
    book: Arc<B>,
    bytes: usize,
    used: u64,
}

impl<O: Copy + Eq + Hash, B> BooksInMemory<O, B> {
    /// At most so many bytes, as the documents have.
    pub fn new(max_bytes: usize) -> Self {
        BooksInMemory { max_bytes, bytes: 0, uses: 0, books: HashMap::new(), by_use: BTreeMap::new() }
    }

    pub fn get(&mut self, owner: O) -> Option<Arc<B>> {
        let kept = self.books.get_mut(&owner)?;
        self.by_use.remove(&kept.used);
        self.uses += 1;
        kept.used = self.uses;
        self.by_use.insert(kept.used, owner);
        Some(kept.book.clone())
    }

    /// Keeps a book whose document has so many bytes, instead of the one kept before. Those used longest ago go.
    pub fn put(&mut self, owner: O, book: Arc<B>, doc_bytes: usize) {
        self.remove(owner);
        let bytes = doc_bytes + OVERHEAD_BYTES;
        self.uses += 1;
        self.books.insert(owner, Kept { book, bytes, used: self.uses });
        self.by_use.insert(self.uses, owner);
        self.bytes += bytes;
        while self.bytes > self.max_bytes
            && let Some(oldest) = self.by_use.values().next().copied()
        {
            self.remove(oldest);
        }
    }

    /// Keeps none of them.
    pub fn clear(&mut self) {
        self.books.clear();
        self.by_use.clear();
        self.bytes = 0;
    }

    fn remove(&mut self, owner: O) {
        if let Some(kept) = self.books.remove(&owner) {
            self.by_use.remove(&kept.used);
            self.bytes -= kept.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_used_longest_ago_go_first() {
        let mut books = BooksInMemory::new(3 * (OVERHEAD_BYTES + 10));
        for owner in ['a', 'b', 'c'] {
            books.put(owner, Arc::new(owner), 10);
        }
        assert_eq!(books.get('a').as_deref(), Some(&'a'));
        books.put('d', Arc::new('d'), 10);
        let kept = |books: &mut BooksInMemory<char, char>| ['a', 'b', 'c', 'd'].map(|owner| books.get(owner).is_some());
        assert_eq!(kept(&mut books), [true, false, true, true]);
        books.put('a', Arc::new('A'), 11);
        assert_eq!((books.get('c'), books.get('a').as_deref()), (None, Some(&'A')));
        books.put('e', Arc::new('e'), 1 << 20);
        assert_eq!((books.get('e'), books.bytes, books.by_use.len()), (None, 0, 0), "larger than all of it");
        books.put('a', Arc::new('a'), 10);
        books.clear();
        assert_eq!((books.get('a'), books.bytes, books.by_use.len()), (None, 0, 0));
    }
}
