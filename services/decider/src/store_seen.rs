//! Whether a server of the store may have started again since a batch was loaded.
//!
//! A book says that everything before it is stored. Where the store has lost some of that meanwhile, a book that was
//! decided upon the loaded one would hide the loss.

use std::time::Duration;

use tidegate_consumer::StoreSeen;
use tidegate_ports::{Books, StoreError};

/// No server goes down and answers again within less. Most batches are saved by then, and need not ask.
const RESTART_TAKES: Duration = Duration::from_secs(1);

/// Whether a server of the store has started again since the load. Servers that answered the consumer after the load
/// were up after `seen.at`, so none of them can be back before a restart's time has passed since then.
pub(crate) async fn went_back(seen: StoreSeen, books: &dyn Books) -> Result<bool, StoreError> {
    if seen.at.elapsed() < RESTART_TAKES {
        return Ok(false);
    }
    Ok(books.starts().await? != seen.starts)
}
