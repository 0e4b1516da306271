//! All events of a run, page by page.

use tidegate_agentping::RunKey;
use tidegate_ports::StoreError;

use super::{EventPage, EventRow, RunQueries};

/// Events and bytes of one page.
const PAGE: usize = 500;
const PAGE_BYTES: usize = 1 << 20;

/// Shows up to `most` events of a run to `see`, in the order of their ids. Whether these were all.
///
/// # Errors
/// [`StoreError`].
pub async fn each_event(
    queries: &dyn RunQueries,
    key: RunKey,
    most: usize,
    mut see: impl FnMut(&EventRow) + Send,
) -> Result<bool, StoreError> {
    let (mut after, mut seen) = (None, 0);
    loop {
        let page = EventPage { after, limit: PAGE.min(most - seen), max_bytes: PAGE_BYTES };
        let events = queries.events(key, &page).await?;
        events.rows.iter().for_each(&mut see);
        seen += events.rows.len();
        after = events.rows.last().map(|row| row.event.id);
        if !events.more || after.is_none() {
            return Ok(!events.more);
        }
        if seen >= most {
            return Ok(false);
        }
    }
}
