//! The documents port: what people set, as small JSON documents with versions.

use async_trait::async_trait;
use tidegate_kernel::{SmolStr, Timestamp};

use crate::{ScanOrder, StoreError};

/// Stores documents. A space holds all documents of one owner, for example of a team; within it a document has a kind and
/// a name. A write is conditional and whole: it changes several documents of one space, or none.
#[async_trait]
pub trait Documents: Send + Sync + 'static {
    /// One document; `None`: there is none, or it has ended.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn get(&self, space: &str, kind: &str, name: &str) -> Result<Option<Document>, StoreError>;

    /// Documents of one kind, by the bytes of their names, at most as many as the limit. To continue, list again from the
    /// last name.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn list(&self, list: &DocumentList<'_>) -> Result<Vec<Document>, StoreError>;

    /// Applies all writes, each on its condition, or none. A document that ends by itself may stay for a little longer.
    ///
    /// # Errors
    /// [`StoreError`]; the writes are applied or not, and reading says which. [`StoreError::Refused`]: a document is larger
    /// than [`MAX_DOCUMENT_BYTES`], or there are more than [`MAX_WRITES`] writes.
    async fn write(&self, space: &str, writes: &[DocumentWrite], now: Timestamp) -> Result<Written, StoreError>;

    /// The spaces in which something was, or may have been, written at or after `since`, by the writers' clocks, each once.
    /// A write is announced before it can be read.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn changed_since(&self, since: Timestamp) -> Result<Vec<SmolStr>, StoreError>;

    /// Every space in which a document is kept.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn spaces(&self) -> Result<Vec<SmolStr>, StoreError>;

    /// Deletes up to `limit` documents that have ended; returns how many. A store whose documents end by themselves has
    /// nothing to do.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn purge_documents(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError>;
}

/// Bytes of a document at most.
pub const MAX_DOCUMENT_BYTES: usize = 128 * 1_024;

/// Writes at most of one step.
pub const MAX_WRITES: usize = 500;

/// A document as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    pub kind: SmolStr,
    pub name: SmolStr,
    /// 1 when it is made, and one more with each write. A document that is made again begins at 1.
    pub version: u64,
    pub doc: Vec<u8>,
    /// When it was last written, by the writer's clock.
    pub written_at: Timestamp,
}

/// Which documents to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DocumentList<'l> {
    pub space: &'l str,
    pub kind: &'l str,
    /// Only names that begin with this.
    pub prefix: &'l str,
    /// Only documents that come after this name in the order; `None`: from the first.
    pub after: Option<&'l str>,
    pub order: ScanOrder,
    pub limit: usize,
}

/// One document to store or to remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentWrite {
    pub kind: SmolStr,
    pub name: SmolStr,
    pub expected: Expected,
    /// `None`: it is removed.
    pub doc: Option<Vec<u8>>,
    /// From then on it is not there any more; `None`: it stays.
    pub ends_at: Option<Timestamp>,
}

/// What must hold of a document before it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    Anything,
    Absent,
    Version(u64),
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    Done,
    /// Nothing was written: the condition of the write at this place does not hold.
    Conflict(usize),
}

impl DocumentWrite {
    /// Whether writes are few and small enough to be stored.
    ///
    /// # Errors
    /// [`StoreError::Refused`].
    pub fn check(writes: &[DocumentWrite]) -> Result<(), StoreError> {
        let refused = |cause: String| Err(StoreError::Refused(crate::FailureCause::refused(cause)));
        if writes.len() > MAX_WRITES {
            return refused(format!(
                "{} documents are written in one step, and {MAX_WRITES} are allowed",
                writes.len()
            ));
        }
        let large = writes.iter().find_map(|write| {
            let bytes = write.doc.as_ref()?.len();
            (bytes > MAX_DOCUMENT_BYTES).then_some((write, bytes))
        });
        match large {
            Some((DocumentWrite { kind, name, .. }, bytes)) => {
                refused(format!("the document {kind} {name} has {bytes} bytes, and {MAX_DOCUMENT_BYTES} are allowed"))
            }
            None => Ok(()),
        }
    }
}
