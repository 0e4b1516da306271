//! The pulse feed: a row for each record that says something, in partitions of neighbouring offsets, which expires.
//!
//! The rows of a save are written before its runs: a record that its run says was folded has its row. A row's write
//! timestamp is its position, so that a redelivery or a late writer writes the same cell again.

use async_trait::async_trait;
use scylla::response::PagingState;
use tidegate_agentping::FeedRow;
use tidegate_agentping_ports::{FeedEntry, FeedPage, FeedRange, PulseFeed, RunWrite};
use tidegate_kernel::{Position, Timestamp};
use tidegate_ports::{Fate, StoreError};

use super::ScyllaStore;
use crate::batch::RowBatches;
use crate::failure::unreadable;

/// Neighbouring offsets whose rows share a partition. Part of the data's layout.
const OFFSETS_PER_BUCKET: i64 = 10_000;
/// Partitions that one page looks into at most.
const BUCKETS_PER_PAGE: usize = 16;
/// Of a recovered row: it loses to the row itself, wherever that is still there.
const RECOVERED_AT: i64 = 1;

/// Offsets within one bucket of a partition.
#[derive(Clone, Copy)]
struct BucketRange {
    generation: u16,
    partition: u32,
    from: i64,
    until: i64,
}

/// Generation, partition and bucket in the table's types.
type FeedKey = (i32, i32, i64);

#[async_trait]
impl PulseFeed for ScyllaStore {
    async fn feed_page(&self, of: FeedRange, limit: usize) -> Result<FeedPage, StoreError> {
        let limit = limit.max(1);
        let mut page = FeedPage { entries: Vec::new(), next_offset: of.from };
        for _ in 0..BUCKETS_PER_PAGE {
            let (from, wanted) = (page.next_offset, limit.saturating_sub(page.entries.len()));
            if from >= of.until || wanted == 0 {
                break;
            }
            let until = of.until.min((bucket_of(from) + 1) * OFFSETS_PER_BUCKET);
            let bucket = BucketRange { generation: of.generation, partition: of.partition, from, until };
            let found = self.rows_of(bucket, wanted).await?;
            let full = found.last().filter(|_| found.len() == wanted);
            page.next_offset = full.map_or(until, |last| last.position.offset + 1);
            page.entries.extend(self.without_dead(found).await?);
        }
        Ok(page)
    }

    async fn feed_starts(&self) -> Result<u64, StoreError> {
        self.cql.starts().await
    }

    /// Does nothing: the rows expire.
    async fn purge_feed(&self, _before: Timestamp, _limit: usize) -> Result<usize, StoreError> {
        Ok(0)
    }
}

impl ScyllaStore {
    /// Writes the rows of all these writes.
    pub(super) async fn save_feed(&self, writes: &[RunWrite]) -> Result<(), StoreError> {
        let mut batches = RowBatches::new("save_feed", &self.cql.statements().save_feed_entry);
        for write in writes.iter().filter(|write| !write.feed.is_empty()) {
            // What a refused write has left there may be of other records: this write is of those that are left.
            let later = i64::from(self.refused.has(write.key));
            for FeedEntry { position, row } in &write.feed {
                let text = row.encode().map_err(|error| unreadable("a row of the feed", error))?;
                let at = if row.recovered { RECOVERED_AT } else { position.write_timestamp() + later };
                let key = key_of(*position);
                batches.add(key, text.len(), (key.0, key.1, key.2, position.offset, text, at));
            }
        }
        self.write_all(batches.into_batches()).await
    }

    async fn rows_of(&self, of: BucketRange, limit: usize) -> Result<Vec<FeedEntry>, StoreError> {
        let BucketRange { generation, partition, from, until } = of;
        let at = |offset| Position { generation, partition, offset };
        let (key, rows) = (key_of(at(from)), i32::try_from(limit).unwrap_or(i32::MAX));
        let values = (key.0, key.1, key.2, from, until, rows);
        let mut found = Vec::new();
        let mut next = Some(PagingState::start());
        while let Some(state) = next {
            let page = self.cql.page(&self.cql.statements().feed, values, None, state).await?;
            for row in page.rows.rows::<(i64, Option<&str>)>().map_err(|error| unreadable("the feed", error))? {
                let (offset, entry) = row.map_err(|error| unreadable("the feed", error))?;
                let Some(entry) = entry else { continue };
                let row = FeedRow::decode(entry);
                let row = row.map_err(|error| unreadable(&format!("the row of {}", at(offset)), error))?;
                found.push(FeedEntry { position: at(offset), row });
            }
            next = page.next;
        }
        Ok(found)
    }

    /// Leaves out the rows of dead letters: their runs were refused after the rows were written.
    async fn without_dead(&self, found: Vec<FeedEntry>) -> Result<Vec<FeedEntry>, StoreError> {
        let (Some(first), Some(last)) = (found.first(), found.last()) else { return Ok(found) };
        let key = key_of(first.position);
        let values = (key.0, key.1, key.2, first.position.offset, last.position.offset);
        let mut dead: Vec<i64> = Vec::new();
        let mut next = Some(PagingState::start());
        while let Some(state) = next {
            let page = self.cql.page(&self.cql.statements().fates, values, None, state).await?;
            for row in page.rows.rows::<(i64, Option<&str>)>().map_err(|error| unreadable("notes", error))? {
                let (offset, fate) = row.map_err(|error| unreadable("notes", error))?;
                dead.extend(Some(offset).filter(|_| fate.and_then(Fate::named) == Some(Fate::Dead)));
            }
            next = page.next;
        }
        Ok(found.into_iter().filter(|entry| dead.binary_search(&entry.position.offset).is_err()).collect())
    }
}

const fn bucket_of(offset: i64) -> i64 {
    offset.div_euclid(OFFSETS_PER_BUCKET)
}

fn key_of(position: Position) -> FeedKey {
    (i32::from(position.generation), position.partition.cast_signed(), bucket_of(position.offset))
}
