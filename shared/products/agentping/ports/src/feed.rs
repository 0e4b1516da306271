//! The feed port: rows of the [pulse feed](tidegate_agentping::feed), which the persister writes with its runs, and which
//! are read in log order.

use async_trait::async_trait;
use tidegate_agentping::FeedRow;
use tidegate_kernel::{Partition, Position, Timestamp};
use tidegate_ports::{Account, Accounts, StoreError};

/// A row under the position of its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedEntry {
    pub position: Position,
    pub row: FeedRow,
}

/// Rows of one partition of the log, in offset order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedPage {
    pub entries: Vec<FeedEntry>,
    /// All rows below this offset are in this page or in one before it: the next page begins here.
    pub next_offset: i64,
}

/// Reads the rows that [`Runs::save`](crate::Runs::save) has written, and deletes old ones.
#[async_trait]
pub trait PulseFeed: Send + Sync + 'static {
    /// Up to `limit` rows of the offsets `[from, until)`. A page may end early, also without a row; it always gets beyond
    /// `from` where there is anything to read.
    ///
    /// Not all of them are of records that are settled: read by [`settled_page`].
    ///
    /// # Errors
    /// [`StoreError`].
    async fn feed_page(&self, of: FeedRange, limit: usize) -> Result<FeedPage, StoreError>;

    /// [`Runs::starts`](crate::Runs::starts) of the store.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn feed_starts(&self) -> Result<u64, StoreError> {
        Ok(0)
    }

    /// Deletes up to `limit` rows of records that were appended before `before`, oldest first in each partition; returns
    /// how many. A store whose rows end by themselves has nothing to do.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn purge_feed(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError>;
}

/// Offsets `[from, until)` of one partition of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedRange {
    pub generation: u16,
    pub partition: Partition,
    pub from: i64,
    pub until: i64,
}

/// A page of the rows from an offset on, up to where the partition's account is settled: no row below its end is missing,
/// and none comes later. `None`: the partition has no account yet.
///
/// A store that has started again may have lost rows that it had acknowledged, until the persister has read their records
/// again. Meanwhile the page ends where nothing can be lost.
///
/// # Errors
/// [`StoreError`].
pub async fn settled_page(
    feed: &dyn PulseFeed,
    accounts: &dyn Accounts,
    of: FeedRange,
    limit: usize,
) -> Result<Option<FeedPage>, StoreError> {
    let Some(account) = accounts.account(of.generation, of.partition).await? else { return Ok(None) };
    let until = of.until.min(account.next_offset);
    if until <= of.from {
        return Ok(Some(FeedPage { entries: Vec::new(), next_offset: of.from }));
    }
    let mut page = feed.feed_page(FeedRange { until, ..of }, limit).await?;
    // Asked after the rows were read: what was read from a store that had not started again was all there.
    let whole_to = whole_to(&account, feed.feed_starts().await?).max(of.from);
    if whole_to < page.next_offset {
        page.entries.retain(|entry| entry.position.offset < whole_to);
        page.next_offset = whole_to;
    }
    Ok(Some(page))
}

/// Up to which offset a store has every row that it had when the account was settled, if it has started so often since.
fn whole_to(account: &Account, starts: u64) -> i64 {
    match account.checkpoint {
        Some(checkpoint) if checkpoint.starts != starts => checkpoint.offset.min(account.next_offset),
        Some(_) | None => account.next_offset,
    }
}
