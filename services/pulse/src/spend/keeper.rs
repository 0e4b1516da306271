//! Counts the feed, partition by partition, as far as it is settled.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tidegate_agentping::TeamId;
use tidegate_agentping_ports::spend_rows::cursor_key;
use tidegate_agentping_ports::{FeedRange, PulseFeed, SpendCursor, settled_page};
use tidegate_kernel::{Partition, SmolStr, Timestamp};
use tidegate_ports::{Accounts, Clock, RowWrite, Rows, StoreError};

use super::stored_models;
use super::stored_pages::{StoredPages, broken};

/// Rows of the feed that are counted at once.
const PAGE: usize = 500;
/// Pages of one partition in a round: a partition with much to count must not hold up the others.
const PAGES_A_ROUND: usize = 20;

/// Keeps the sums. Two that do so at once write the same.
pub struct SpendKeeper {
    feed: Arc<dyn PulseFeed>,
    accounts: Arc<dyn Accounts>,
    rows: Arc<dyn Rows>,
    clock: Arc<dyn Clock>,
    pages: StoredPages,
    cursor: Option<Cursor>,
}

#[derive(Clone, Debug, Default)]
struct Cursor {
    as_of: Option<Timestamp>,
    next: BTreeMap<(u16, Partition), i64>,
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
        SpendKeeper { feed, accounts, rows, clock, pages: StoredPages::default(), cursor: None }
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
        let counted = self.count_all(&mut cursor).await;
        if let Ok(round) = &counted
            && round.is_whole
        {
            cursor.as_of = cursor.as_of.max(Some(as_of));
        }
        let stored = self.store(&cursor).await;
        self.cursor = Some(cursor);
        stored?;
        counted
    }

    async fn count_all(&mut self, cursor: &mut Cursor) -> Result<SpendRound, StoreError> {
        let mut round = SpendRound { is_whole: true, ..SpendRound::default() };
        for account in self.accounts.accounts().await? {
            let owner = (account.generation, account.partition);
            let mut next = cursor.next.get(&owner).copied().unwrap_or(account.from_offset);
            for pages in 0.. {
                if next >= account.next_offset {
                    break;
                }
                if pages == PAGES_A_ROUND {
                    round.is_whole = false;
                    break;
                }
                let (generation, partition) = owner;
                let range = FeedRange { generation, partition, from: next, until: account.next_offset };
                let page = settled_page(&*self.feed, &*self.accounts, range, PAGE).await?.unwrap_or_default();
                if page.next_offset <= next {
                    // The store has started again, and does not have everything back yet.
                    round.is_whole = false;
                    break;
                }
                let changed = self.pages.count(&*self.rows, owner, &page.entries, self.clock.now()).await?;
                stored_models::count(&*self.rows, owner, &page.entries, self.clock.now()).await?;
                round.changed.extend(changed);
                for row in page.entries.into_iter().map(|entry| entry.row) {
                    let at = row.received_at;
                    round
                        .unpriced
                        .extend(row.unpriced.into_iter().map(|(provider, model)| (row.team, at, provider, model)));
                }
                next = page.next_offset;
                cursor.next.insert(owner, next);
            }
        }
        Ok(round)
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
