//! The store as a load found it.

use tokio::time::Instant;

/// What is known of the store from the load of a batch: it had lost nothing by the end of the load.
#[derive(Clone, Copy, Debug)]
pub struct StoreSeen {
    /// The number of the store's starts, as it was read after the load. If the store has another one later, it may have
    /// lost what the batch was folded onto.
    pub starts: u64,
    /// Just before the load. Every server that gave its part of the number was up after this.
    pub at: Instant,
}
