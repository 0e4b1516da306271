//! Counts the feed, partition by partition, as far as it is settled.

use std::sync::Arc;

use tidegate_agentping_ports::spend_rows::cursor_key;
use tidegate_agentping_ports::{FeedRange, PulseFeed, SpendCursor, settled_page};
use tidegate_kernel::Timestamp;
use tidegate_ports::{Accounts, Clock, RowWrite, Rows, StoreError};

use super::handed_over::{HandedOver, Offsets, offsets};
use super::round::{PAGE, PAGES_A_ROUND, SpendRound};
use super::stored_models::StoredModels;
use super::stored_pages::{StoredPages, broken};

/// Sums are stored once a round, or once so many pages of them, and rows with models, wait.
const MOST_UNWRITTEN: usize = 5_000;

/// Keeps the sums. Two that do so at once write the same.
pub struct SpendKeeper {
    feed: Arc<dyn PulseFeed>,
    accounts: Arc<dyn Accounts>,
    rows: Arc<dyn Rows>,
    clock: Arc<dyn Clock>,
    pages: StoredPages,
    models: StoredModels,
    cursor: Option<Cursor>,
    /// How far alerts are handed over, as of the cursor.
    handed_over: HandedOver,
    /// What was counted and no round has returned yet.
    counted: SpendRound,
}

#[derive(Clone, Debug, Default)]
struct Cursor {
    as_of: Option<Timestamp>,
    /// Where the feed of each partition is counted on.
    next: Offsets,
}

impl SpendKeeper {
    pub fn new(
        feed: Arc<dyn PulseFeed>,
        accounts: Arc<dyn Accounts>,
        rows: Arc<dyn Rows>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (pages, models, counted) = (StoredPages::default(), StoredModels::default(), SpendRound::default());
        let handed_over = HandedOver::default();
        SpendKeeper { feed, accounts, rows, clock, pages, models, cursor: None, handed_over, counted }
    }

    /// Counts what is settled and was not counted. `as_of` is the watermark, taken before the call: every record
    /// appended before it is settled. A restart returns the same again, until [`taken`](Self::taken), but counts only
    /// what is new: how fresh the sums are does not depend on alerts.
    ///
    /// # Errors
    /// [`StoreError`]; the next round goes on from what was counted.
    pub async fn round(&mut self, as_of: Timestamp) -> Result<SpendRound, StoreError> {
        let mut cursor = match self.cursor.take() {
            Some(cursor) => cursor,
            None => self.stored_cursor().await?,
        };
        let mut next = cursor.next.clone();
        let read = self.count_all(&mut cursor, &mut next).await;
        // Also what was counted before a page that could not be read.
        let stored = self.store_sums(&mut cursor, &mut next).await;
        if matches!(read, Ok(true)) && stored.is_ok() {
            cursor.as_of = cursor.as_of.max(Some(as_of));
        }
        let kept = self.store(&cursor).await;
        let next = &self.cursor.insert(cursor).next;
        stored?;
        kept?;
        let is_whole = read?;
        self.handed_over.read_left(&*self.feed, &*self.accounts, &mut self.counted).await?;
        self.handed_over.return_to(next);
        Ok(SpendRound { is_whole, ..std::mem::take(&mut self.counted) })
    }

    /// The alerts that follow from what rounds have returned are handed over. It is stored with the next round: the same
    /// alerts again change nothing.
    pub fn taken(&mut self) {
        self.handed_over.taken();
    }

    /// As [`taken`](Self::taken), but only of what rounds had returned as of the last mark. This is the next one.
    pub fn mark(&mut self) {
        self.handed_over.mark();
    }

    /// Counts up to `next`, and stores on the way what would be too much at the end. Returns whether everything that is
    /// settled is counted.
    async fn count_all(&mut self, cursor: &mut Cursor, next: &mut Offsets) -> Result<bool, StoreError> {
        let mut is_whole = true;
        for account in self.accounts.accounts().await? {
            let owner = (account.generation, account.partition);
            let mut from = next.get(&owner).copied().unwrap_or(account.from_offset);
            self.handed_over.begin(owner, from);
            for pages in 0.. {
                if from >= account.next_offset {
                    break;
                }
                if pages == PAGES_A_ROUND {
                    is_whole = false;
                    break;
                }
                let (generation, partition) = owner;
                let range = FeedRange { generation, partition, from, until: account.next_offset };
                let mut page = settled_page(&*self.feed, &*self.accounts, range, PAGE).await?.unwrap_or_default();
                if page.next_offset <= from {
                    // The store has started again, and does not have everything back yet.
                    is_whole = false;
                    break;
                }
                self.pages.count(&*self.rows, owner, &page.entries).await?;
                self.models.count(owner, &mut page.entries);
                page.entries.iter().for_each(|entry| self.counted.take(&entry.row));
                from = page.next_offset;
                next.insert(owner, from);
                if self.pages.unwritten() + self.models.unwritten() >= MOST_UNWRITTEN {
                    self.store_sums(cursor, next).await?;
                }
            }
        }
        Ok(is_whole)
    }

    /// Stores what was counted up to `next`. After a failure it is counted again from the cursor on.
    async fn store_sums(&mut self, cursor: &mut Cursor, next: &mut Offsets) -> Result<(), StoreError> {
        let stored = self.store_pages().await;
        self.models.clear();
        match &stored {
            Ok(()) => cursor.next.clone_from(next),
            Err(_) => {
                self.pages.forget();
                next.clone_from(&cursor.next);
            }
        }
        stored
    }

    async fn store_pages(&mut self) -> Result<(), StoreError> {
        let models = self.models.writes(&*self.rows).await?;
        self.pages.store(&*self.rows, models, self.clock.now()).await
    }

    async fn stored_cursor(&mut self) -> Result<Cursor, StoreError> {
        let found = self.rows.get(&[cursor_key()]).await?.pop().flatten();
        let Some(bytes) = found else { return Ok(Cursor::default()) };
        let stored: SpendCursor = serde_json::from_slice(&bytes).map_err(|error| broken(&error))?;
        self.handed_over = HandedOver::stored(&stored);
        Ok(Cursor { as_of: stored.as_of, next: offsets(&stored.next) })
    }

    async fn store(&self, cursor: &Cursor) -> Result<(), StoreError> {
        let next = cursor.next.iter().map(|((generation, partition), next)| (*generation, *partition, *next));
        let handed_over = self.handed_over.behind(&cursor.next);
        let stored = SpendCursor { as_of: cursor.as_of, next: next.collect(), handed_over };
        let doc = serde_json::to_vec(&stored).map_err(|error| broken(&error))?;
        let now = self.clock.now();
        let rank = u64::try_from(now.as_millis()).unwrap_or_default();
        self.rows.put(Arc::new(vec![RowWrite { key: cursor_key(), rank, doc: Some(doc) }]), now).await
    }
}
