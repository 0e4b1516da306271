//! The store as a batch found it, and whether a server of it may have started again since then.
//!
//! A book says that everything before it is stored. Where the store has lost some of that meanwhile, a book that was
//! decided upon the loaded one would hide the loss.

use std::time::Duration;

use tidegate_ports::{Books, StoreError};
use tokio::time::Instant;

/// No server goes down and answers again within less. Most batches are saved by then, and need not ask.
const RESTART_TAKES: Duration = Duration::from_secs(1);

/// The store at an instant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoreSeen {
    at: Instant,
    /// See [`Books::starts`].
    starts: u64,
}

impl StoreSeen {
    pub async fn of(books: &dyn Books) -> Result<Self, StoreError> {
        let at = Instant::now();
        Ok(StoreSeen { at, starts: books.starts().await? })
    }

    /// Whether a server of the store has started again since then.
    pub async fn went_back(self, books: &dyn Books) -> Result<bool, StoreError> {
        if self.at.elapsed() < RESTART_TAKES {
            return Ok(false);
        }
        Ok(books.starts().await? != self.starts)
    }
}
