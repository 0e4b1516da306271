//! Reads the feeds of all partitions as one, in the order in which their records were appended.
//!
//! Partitions are read side by side: a failure and the success after it are of different runs, so of different
//! partitions, and which of them comes first decides whether an incident is open.

use std::collections::VecDeque;
use std::sync::Arc;

use tidegate_agentping_ports::{FeedEntry, FeedRange, PulseFeed, settled_page};
use tidegate_agentping_pulse::watermark::{PartitionId, PartitionProgress, PartitionReading};
use tidegate_kernel::Timestamp;
use tidegate_ports::{Accounts, StoreError};

use super::progress::PartitionTarget;
use super::state::Cursors;

/// Rows of the feed that are read at once.
const PAGE: usize = 500;

/// All partitions of one turn.
pub struct FeedReading {
    feed: Arc<dyn PulseFeed>,
    accounts: Arc<dyn Accounts>,
    partitions: Vec<PartitionFeed>,
}

/// One partition.
struct PartitionFeed {
    target: PartitionTarget,
    /// Rows that are read and not handed out.
    read: VecDeque<FeedEntry>,
    /// All rows below this offset are read.
    read_to: i64,
    /// All rows below this offset are handed out.
    cursor: i64,
    /// When the last row that was handed out was appended.
    last_appended_at: Option<Timestamp>,
    /// The store has no more for now.
    is_short: bool,
}

impl FeedReading {
    /// Reads each partition from its cursor up to its target.
    pub fn new(
        feed: Arc<dyn PulseFeed>,
        accounts: Arc<dyn Accounts>,
        targets: Vec<PartitionTarget>,
        cursors: &Cursors,
    ) -> Self {
        let partition = |target: PartitionTarget| {
            let cursor = cursors.get(&target.reading.id).copied().unwrap_or(0);
            let (read, last_appended_at, is_short) = (VecDeque::new(), None, false);
            PartitionFeed { target, read, read_to: cursor, cursor, last_appended_at, is_short }
        };
        FeedReading { feed, accounts, partitions: targets.into_iter().map(partition).collect() }
    }

    /// The next row of all; `None`: there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn next(&mut self) -> Result<Option<FeedEntry>, StoreError> {
        for partition in &mut self.partitions {
            while partition.read.is_empty() && partition.read_to < partition.target.settled && !partition.is_short {
                partition.read_page(&*self.feed, &*self.accounts).await?;
            }
        }
        let of_next = |partition: &&mut PartitionFeed| {
            let entry = partition.read.front()?;
            Some((entry.row.appended_at, entry.position))
        };
        let with_rows = self.partitions.iter_mut().filter(|partition| !partition.read.is_empty());
        let Some(partition) = with_rows.min_by_key(of_next) else { return Ok(None) };
        let Some(entry) = partition.read.pop_front() else { return Ok(None) };
        partition.last_appended_at = Some(entry.row.appended_at);
        partition.cursor = if partition.read.is_empty() { partition.read_to } else { entry.position.offset + 1 };
        Ok(Some(entry))
    }

    /// Whether the store lacks rows of a partition for now.
    pub fn lacks_rows(&self) -> bool {
        self.partitions.iter().any(|partition| partition.is_short)
    }

    /// Where each partition is read on.
    pub fn cursors(&self) -> impl Iterator<Item = (PartitionId, i64)> {
        self.partitions.iter().map(|partition| (partition.target.reading.id, partition.cursor))
    }

    /// How far each partition is, by what was handed out.
    pub fn readings(&self) -> Vec<PartitionReading> {
        self.partitions.iter().map(PartitionFeed::reading).collect()
    }
}

impl PartitionFeed {
    async fn read_page(&mut self, feed: &dyn PulseFeed, accounts: &dyn Accounts) -> Result<(), StoreError> {
        let (generation, partition) = self.target.reading.id;
        let range = FeedRange { generation, partition, from: self.read_to, until: self.target.settled };
        let page = settled_page(feed, accounts, range, PAGE).await?.unwrap_or_default();
        // The store may have lost rows, which the persister writes again.
        self.is_short = page.next_offset <= self.read_to;
        self.read_to = self.read_to.max(page.next_offset);
        self.read.extend(page.entries);
        if self.read.is_empty() {
            self.cursor = self.read_to;
        }
        Ok(())
    }

    fn reading(&self) -> PartitionReading {
        let reading = self.target.reading;
        let next_appended_at = self.read.front().map(|next| next.row.appended_at);
        let progress = match next_appended_at.or(self.last_appended_at) {
            _ if self.cursor >= self.target.settled => reading.progress,
            // All that was appended before this one has been handed out.
            Some(oldest_appended_at) => PartitionProgress::Behind { oldest_appended_at },
            None => PartitionProgress::Unreadable,
        };
        PartitionReading { progress, ..reading }
    }
}
