//! What a product says of its records: whether the store has what they brought.

use async_trait::async_trait;
use tidegate_kernel::Position;
use tidegate_ports::{Consumed, StoreError};

/// Looks up records that the accounts count.
#[async_trait]
pub trait LookUp: Send + Sync + 'static {
    /// Each record that can be judged, in their order. Left out is what no account calls stored, and what of it may have
    /// ended. The accounts were read before.
    ///
    /// # Errors
    /// [`StoreError`]: nothing is known.
    async fn look_up(&self, records: Vec<Consumed>) -> Result<Vec<LookedUp>, StoreError>;
}

/// A record that was looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookedUp {
    pub position: Position,
    /// Whose it is and what it is about, as it is shown: names and their values.
    pub about: Vec<(&'static str, String)>,
    /// Whether all that it brought is stored.
    pub found: bool,
}
