//! The books port: all that decisions about one owner depend on, in one document.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_kernel::{LogKey, Position};

use crate::{FailureCause, StoreError};

/// Stores books. Saving a book is the commit point of its owner's decisions: whatever they made is stored before.
#[async_trait]
pub trait Books: Send + Sync + 'static {
    /// The book of each owner, in the order asked; `None`: it has none.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn load(&self, owners: &[LogKey]) -> Result<Vec<Option<StoredBook>>, StoreError>;

    /// Stores each book, unless the stored one was decided further. Saving the same again changes nothing.
    ///
    /// # Errors
    /// [`StoreError`]; some of the books may be stored. [`StoreError::Refused`]: one is larger than [`MAX_BOOK_BYTES`].
    async fn save(&self, writes: Arc<Vec<BookWrite>>) -> Result<(), StoreError>;

    /// A number that changes when a server of the store has started again: what it acknowledged shortly before, in any
    /// of a command's tables, may be gone then. A store that never loses what it acknowledged always has the same
    /// number.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn starts(&self) -> Result<u64, StoreError> {
        Ok(0)
    }
}

/// Bytes of a book's document at most.
pub const MAX_BOOK_BYTES: usize = 256 * 1_024;

/// A book as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBook {
    pub doc: Vec<u8>,
    /// The last command that the book includes.
    pub decided_to: Position,
}

/// A book to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookWrite {
    pub owner: LogKey,
    pub book: StoredBook,
}

impl BookWrite {
    /// Whether the book is small enough to be stored.
    ///
    /// # Errors
    /// [`StoreError::Refused`]: it is larger than [`MAX_BOOK_BYTES`].
    pub fn check_size(&self) -> Result<(), StoreError> {
        let bytes = self.book.doc.len();
        if bytes <= MAX_BOOK_BYTES {
            return Ok(());
        }
        let owner = self.owner.text();
        let cause = format!("the book of {owner} has {bytes} bytes, and {MAX_BOOK_BYTES} are allowed");
        Err(StoreError::Refused(FailureCause::refused(cause)))
    }
}
