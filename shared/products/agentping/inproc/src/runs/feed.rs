//! The pulse feed in memory, with the runs.

use async_trait::async_trait;
use tidegate_agentping_ports::{FeedEntry, FeedPage, FeedRange, PulseFeed, Runs};
use tidegate_kernel::{Position, Timestamp};
use tidegate_ports::StoreError;

use super::{Kept, MemoryRuns};

impl Kept {
    /// A row that is there stays.
    pub(super) fn add_to_feed(&mut self, entries: &[FeedEntry]) {
        for FeedEntry { position, row } in entries {
            self.feed.entry(*position).or_insert_with(|| row.clone());
        }
    }
}

impl MemoryRuns {
    /// Loses all rows of the feed, and not what the runs say.
    pub fn lose_feed(&self) {
        self.kept().feed.clear();
    }
}

#[async_trait]
impl PulseFeed for MemoryRuns {
    async fn feed_page(&self, of: FeedRange, limit: usize) -> Result<FeedPage, StoreError> {
        let FeedRange { generation, partition, from, until } = of;
        let at = |offset| Position { generation, partition, offset };
        let kept = self.kept();
        let rows = kept.feed.range(at(from)..at(until.max(from))).take(limit);
        let entries: Vec<FeedEntry> =
            rows.map(|(position, row)| FeedEntry { position: *position, row: row.clone() }).collect();
        let full = entries.last().filter(|_| entries.len() == limit);
        let next_offset = full.map_or(until, |last| last.position.offset + 1);
        Ok(FeedPage { entries, next_offset })
    }

    async fn feed_starts(&self) -> Result<u64, StoreError> {
        self.starts().await
    }

    async fn purge_feed(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let mut kept = self.kept();
        let old = kept.feed.iter().filter(|(_, row)| row.appended_at < before);
        let doomed: Vec<Position> = old.take(limit).map(|(position, _)| *position).collect();
        for position in &doomed {
            kept.feed.remove(position);
        }
        Ok(doomed.len())
    }
}
