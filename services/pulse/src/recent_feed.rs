//! The newest rows of the feed, kept in memory as they were read.
//!
//! The judge, the sums of spend and the checks of one process read the same rows within seconds of one another. Whoever
//! comes first reads and decodes them; the others get copies. Each has its own position, and one that is further behind
//! than what is kept reads from the store, as without this.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tidegate_agentping_ports::{FeedEntry, FeedPage, FeedRange, PulseFeed};
use tidegate_kernel::{Partition, Timestamp};
use tidegate_ports::StoreError;

/// Rows that are kept of all partitions: about 10 MB, and some seconds of a busy folder.
const MOST_ROWS: usize = 16_000;

/// A feed with its newest rows in memory.
///
/// For a store whose rows do not change below the settled offset, such as a data folder, and for readers that read no
/// further than that: [`settled_page`](tidegate_agentping_ports::settled_page).
pub struct RecentFeed {
    feed: Arc<dyn PulseFeed>,
    most_rows: usize,
    partitions: Mutex<HashMap<(u16, Partition), Recent>>,
}

/// Rows of one partition, without a gap.
struct Recent {
    /// All rows of the offsets `[from, until)` are here.
    from: i64,
    until: i64,
    entries: VecDeque<FeedEntry>,
}

impl RecentFeed {
    pub fn new(feed: Arc<dyn PulseFeed>) -> Self {
        RecentFeed { feed, most_rows: MOST_ROWS, partitions: Mutex::default() }
    }

    fn partitions(&self) -> MutexGuard<'_, HashMap<(u16, Partition), Recent>> {
        self.partitions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, of: FeedRange, page: &FeedPage) {
        let mut partitions = self.partitions();
        let recent = partitions.entry((of.generation, of.partition)).or_insert_with(|| Recent::empty(of.from));
        recent.add(of.from, page);
        let share = self.most_rows / partitions.len().max(1);
        if let Some(recent) = partitions.get_mut(&(of.generation, of.partition)) {
            recent.keep_last(share);
        }
    }
}

impl Recent {
    const fn empty(from: i64) -> Self {
        Recent { from, until: from, entries: VecDeque::new() }
    }

    /// Up to `limit` rows from `of.from` on; `None`: they are not here.
    fn page(&self, of: FeedRange, limit: usize) -> Option<FeedPage> {
        let until = of.until.min(self.until);
        if limit == 0 || of.from < self.from || of.from >= until {
            return None;
        }
        let first = self.entries.partition_point(|entry| entry.position.offset < of.from);
        let entries = self.entries.range(first..).take_while(|entry| entry.position.offset < until);
        let entries: Vec<FeedEntry> = entries.take(limit).cloned().collect();
        let full = entries.last().filter(|_| entries.len() == limit);
        let next_offset = full.map_or(until, |last| last.position.offset + 1);
        Some(FeedPage { entries, next_offset })
    }

    /// Adds what a page has beyond the end. A page from further on begins anew; one that ends before the end adds nothing.
    fn add(&mut self, from: i64, page: &FeedPage) {
        if from > self.until {
            *self = Recent::empty(from);
        }
        if page.next_offset > self.until {
            let until = self.until;
            let new = page.entries.iter().filter(|entry| entry.position.offset >= until);
            self.entries.extend(new.cloned());
            self.until = page.next_offset;
        }
    }

    fn keep_last(&mut self, most_rows: usize) {
        while self.entries.len() > most_rows {
            if let Some(oldest) = self.entries.pop_front() {
                self.from = oldest.position.offset + 1;
            }
        }
    }
}

#[async_trait]
impl PulseFeed for RecentFeed {
    async fn feed_page(&self, of: FeedRange, limit: usize) -> Result<FeedPage, StoreError> {
        let kept = self.partitions().get(&(of.generation, of.partition)).and_then(|recent| recent.page(of, limit));
        if let Some(page) = kept {
            return Ok(page);
        }
        let page = self.feed.feed_page(of, limit).await?;
        self.keep(of, &page);
        Ok(page)
    }

    async fn feed_starts(&self) -> Result<u64, StoreError> {
        self.feed.feed_starts().await
    }

    /// Rows that are purged may be kept here for longer.
    async fn purge_feed(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.feed.purge_feed(before, limit).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tidegate_agentping::FeedRow;
    use tidegate_kernel::Position;

    use super::*;

    const ROW: &str = concat!(
        r#"{"v":1,"team":"team_eu_00000000000000000000000000000007","run":"run_eu_0000000000000000000000000000002a","#,
        r#""received_at_ms":1778855521124,"appended_at_ms":1778855521125,"agent":"a","started_at_ms":1778855521000,"#,
        r#""status":"running"}"#,
    );

    /// Every third offset has a row.
    #[derive(Default)]
    struct Thirds {
        reads: AtomicUsize,
        fails: AtomicUsize,
    }

    #[async_trait]
    impl PulseFeed for Thirds {
        async fn feed_page(&self, of: FeedRange, limit: usize) -> Result<FeedPage, StoreError> {
            if self.fails.swap(0, Ordering::SeqCst) > 0 {
                return Err(StoreError::Unavailable("as the test wants".into()));
            }
            self.reads.fetch_add(1, Ordering::SeqCst);
            let entries: Vec<FeedEntry> = rows_of(of).take(limit).collect();
            let full = entries.last().filter(|_| entries.len() == limit);
            let next_offset = full.map_or(of.until, |last| last.position.offset + 1);
            Ok(FeedPage { entries, next_offset })
        }

        async fn purge_feed(&self, _: Timestamp, _: usize) -> Result<usize, StoreError> {
            Ok(0)
        }
    }

    fn rows_of(of: FeedRange) -> impl Iterator<Item = FeedEntry> {
        let FeedRange { generation, partition, from, until } = of;
        (from..until).filter(|offset| offset % 3 == 0).map(move |offset| {
            let position = Position { generation, partition, offset };
            FeedEntry { position, row: FeedRow::decode(ROW).unwrap() }
        })
    }

    fn range(partition: Partition, from: i64, until: i64) -> FeedRange {
        FeedRange { generation: 1, partition, from, until }
    }

    fn feed(most_rows: usize) -> (RecentFeed, Arc<Thirds>) {
        let thirds = Arc::new(Thirds::default());
        (RecentFeed { most_rows, ..RecentFeed::new(thirds.clone()) }, thirds)
    }

    /// Reads all rows of the range, page by page.
    async fn read(feed: &RecentFeed, of: FeedRange, limit: usize) -> Vec<i64> {
        let (mut from, mut found) = (of.from, Vec::new());
        while from < of.until {
            let page = feed.feed_page(FeedRange { from, ..of }, limit).await.unwrap();
            assert!(page.next_offset > from && page.entries.len() <= limit, "{page:?}");
            found.extend(page.entries.iter().map(|entry| entry.position.offset));
            from = page.next_offset;
        }
        found
    }

    fn expected(of: FeedRange) -> Vec<i64> {
        rows_of(of).map(|entry| entry.position.offset).collect()
    }

    #[tokio::test]
    async fn who_comes_later_reads_nothing() {
        let (feed, thirds) = feed(1_000);
        let of = range(0, 10, 100);
        assert_eq!(read(&feed, of, 7).await, expected(of));
        let reads = thirds.reads.load(Ordering::SeqCst);
        for (from, until, limit) in [(10, 100, 7), (10, 100, 1_000), (11, 12, 1), (50, 60, 2), (99, 100, 5)] {
            assert_eq!(read(&feed, range(0, from, until), limit).await, expected(range(0, from, until)));
        }
        assert_eq!(thirds.reads.load(Ordering::SeqCst), reads);
        // What is beyond is read, and what one of the others has read of it is not read again.
        assert_eq!(read(&feed, range(0, 90, 130), 1_000).await, expected(range(0, 90, 130)));
        assert_eq!(read(&feed, range(0, 10, 130), 1_000).await, expected(range(0, 10, 130)));
        assert_eq!(thirds.reads.load(Ordering::SeqCst), reads + 1);
        assert_eq!(read(&feed, range(1, 10, 100), 1_000).await, expected(range(1, 10, 100)), "another partition");
        assert_eq!(thirds.reads.load(Ordering::SeqCst), reads + 2);
    }

    #[tokio::test]
    async fn who_is_behind_reads_from_the_store_and_takes_nothing_from_the_others() {
        let (feed, thirds) = feed(10);
        let ahead = range(0, 600, 660);
        assert_eq!(read(&feed, ahead, 500).await, expected(ahead));
        let behind = range(0, 0, 660);
        assert_eq!(read(&feed, behind, 500).await, expected(behind));
        let reads = thirds.reads.load(Ordering::SeqCst);
        // The last ten rows are here, and no row before them.
        assert_eq!(read(&feed, range(0, 628, 660), 500).await, expected(range(0, 628, 660)));
        assert_eq!(thirds.reads.load(Ordering::SeqCst), reads);
        assert_eq!(read(&feed, range(0, 627, 660), 500).await, expected(range(0, 627, 660)));
        assert_eq!(thirds.reads.load(Ordering::SeqCst), reads + 1);
    }

    #[tokio::test]
    async fn a_gap_is_not_taken_for_empty_and_a_failure_is_of_whoever_reads() {
        let (feed, thirds) = feed(1_000);
        read(&feed, range(0, 0, 30), 500).await;
        read(&feed, range(0, 60, 90), 500).await;
        assert_eq!(read(&feed, range(0, 0, 90), 500).await, expected(range(0, 0, 90)));
        thirds.fails.store(1, Ordering::SeqCst);
        assert!(feed.feed_page(range(0, 90, 120), 500).await.is_err());
        assert_eq!(read(&feed, range(0, 60, 120), 500).await, expected(range(0, 60, 120)));
    }

    #[tokio::test]
    async fn partitions_share_what_is_kept() {
        let (feed, _) = feed(40);
        for partition in 0..4 {
            read(&feed, range(partition, 0, 300), 500).await;
            read(&feed, range(partition, 300, 330), 500).await;
        }
        let kept: usize = feed.partitions().values().map(|recent| recent.entries.len()).sum();
        assert!(kept <= 40 + 20 + 13 + 10, "{kept} rows");
        for partition in 0..4 {
            read(&feed, range(partition, 330, 360), 500).await;
        }
        assert_eq!(feed.partitions().values().map(|recent| recent.entries.len()).collect::<Vec<_>>(), [10; 4]);
    }
}
