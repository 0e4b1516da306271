//! Counts the feed, partition by partition, as far as it is settled.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tidegate_agentping::TeamId;
use tidegate_agentping_ports::spend_rows::cursor_key;
use tidegate_agentping_ports::{FeedRange, PulseFeed, SpendCursor, settled_page};
use tidegate_kernel::{Partition, SmolStr, Timestamp};
use tidegate_ports::{Accounts, Clock, RowWrite, Rows, StoreError};

use super::stored_models::StoredModels;
use super::stored_pages::{StoredPages, broken};

/// Rows of the feed that are counted at once.
const PAGE: usize = 500;
/// Pages of one partition in a round: a partition with much to count must not hold up the others.
const PAGES_A_ROUND: usize = 20;
/// Sums are stored once a round, or once so many pages of them, and rows with models, wait.
const MOST_UNWRITTEN: usize = 5_000;

/// Where the feed of each partition is counted on.
type Offsets = BTreeMap<(u16, Partition), i64>;

/// Keeps the sums. Two that do so at once write the same.
pub struct SpendKeeper {
    feed: Arc<dyn PulseFeed>,
    accounts: Arc<dyn Accounts>,
    rows: Arc<dyn Rows>,
    clock: Arc<dyn Clock>,
    pages: StoredPages,
    models: StoredModels,
    cursor: Option<Cursor>,
    /// What was counted and no round has returned yet.
    counted: SpendRound,
}

#[derive(Clone, Debug, Default)]
struct Cursor {
    as_of: Option<Timestamp>,
    next: Offsets,
}

/// What a round came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpendRound {
    /// Which days of which teams changed, counted from 1970 on.
    pub changed: BTreeSet<(TeamId, i64)>,
    /// Provider and model of calls without a rate, with the team and the instant of receipt.
    pub unpriced: BTreeSet<(TeamId, Timestamp, SmolStr, SmolStr)>,
    /// Everything that is settled is counted.
    pub is_whole: bool,
}

impl SpendKeeper {
    pub fn new(
        feed: Arc<dyn PulseFeed>,
        accounts: Arc<dyn Accounts>,
        rows: Arc<dyn Rows>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (pages, models, counted) = (StoredPages::default(), StoredModels::default(), SpendRound::default());
        SpendKeeper { feed, accounts, rows, clock, pages, models, cursor: None, counted }
    }

    /// Counts what is settled and was not counted. `as_of` is the watermark, taken before the call: every record appended
    /// before it is settled.
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
        self.cursor = Some(cursor);
        stored?;
        kept?;
        let is_whole = read?;
        Ok(SpendRound { is_whole, ..std::mem::take(&mut self.counted) })
    }

    /// Counts up to `next`, and stores on the way what would be too much at the end. Returns whether everything that is
    /// settled is counted.
    async fn count_all(&mut self, cursor: &mut Cursor, next: &mut Offsets) -> Result<bool, StoreError> {
        let mut is_whole = true;
        for account in self.accounts.accounts().await? {
            let owner = (account.generation, account.partition);
            let mut from = next.get(&owner).copied().unwrap_or(account.from_offset);
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
                for row in page.entries.into_iter().map(|entry| entry.row) {
                    let at = row.received_at;
                    let unpriced = row.unpriced.into_iter();
                    self.counted.unpriced.extend(unpriced.map(|(provider, model)| (row.team, at, provider, model)));
                }
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
            Ok(_) => cursor.next.clone_from(next),
            Err(_) => {
                self.pages.forget();
                next.clone_from(&cursor.next);
            }
        }
        self.counted.changed.extend(stored?);
        Ok(())
    }

    async fn store_pages(&mut self) -> Result<BTreeSet<(TeamId, i64)>, StoreError> {
        let models = self.models.writes(&*self.rows).await?;
        self.pages.store(&*self.rows, models, self.clock.now()).await
    }

    async fn stored_cursor(&self) -> Result<Cursor, StoreError> {
        let found = self.rows.get(&[cursor_key()]).await?.pop().flatten();
        let Some(bytes) = found else { return Ok(Cursor::default()) };
        let stored: SpendCursor = serde_json::from_slice(&bytes).map_err(|error| broken(&error))?;
        let next = stored.next.into_iter().map(|(generation, partition, next)| ((generation, partition), next));
        Ok(Cursor { as_of: stored.as_of, next: next.collect() })
    }

    async fn store(&self, cursor: &Cursor) -> Result<(), StoreError> {
        let next = cursor.next.iter().map(|((generation, partition), next)| (*generation, *partition, *next));
        let stored = SpendCursor { as_of: cursor.as_of, next: next.collect() };
        let doc = serde_json::to_vec(&stored).map_err(|error| broken(&error))?;
        let now = self.clock.now();
        let rank = u64::try_from(now.as_millis()).unwrap_or_default();
        self.rows.put(Arc::new(vec![RowWrite { key: cursor_key(), rank, doc: Some(doc) }]), now).await
    }
}
