//! The views port: the rows that reads are answered from.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_kernel::Position;
use tidegate_kernel::SmolStr;
use tidegate_kernel::command::{ViewChange, ViewKey};

use crate::StoreError;

/// Stores view rows. Of two writes of a row the one at the higher position stays, whichever comes first; a removal is a
/// write, too, so an older write after it changes nothing.
#[async_trait]
pub trait Views: Send + Sync + 'static {
    /// Stores each row, or that it is removed.
    ///
    /// # Errors
    /// [`StoreError`]; some of the rows may be stored.
    async fn put(&self, rows: Arc<Vec<ViewWrite>>) -> Result<(), StoreError>;

    /// The document of each row, in the order asked; `None`: there is no such row.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn get(&self, keys: &[ViewKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError>;

    /// Rows of one shard in the scan's order, at most its limit. To continue, scan again from the last row.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn scan(&self, scan: &Scan) -> Result<Vec<ViewRow>, StoreError>;
}

/// A row to store, as of the command at `position`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewWrite {
    pub change: ViewChange,
    pub position: Position,
}

/// A row that a scan found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewRow {
    pub row: SmolStr,
    pub doc: Vec<u8>,
}

/// Which rows of a shard to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    pub view: &'static str,
    pub shard: SmolStr,
    /// Only rows that come after this one in the scan's order; `None`: from the first.
    pub after: Option<SmolStr>,
    pub order: ScanOrder,
    pub limit: usize,
}

/// The order of a scan, by the bytes of the rows' names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanOrder {
    Ascending,
    Descending,
}
