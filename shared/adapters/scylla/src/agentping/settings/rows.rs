//! Derived rows. A row's rank is its write timestamp, so that the higher one wins in every cell; rows of which the first one
//! stays are written conditionally only. The two never are rows of one kind.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt, stream};
use scylla::response::PagingState;
use scylla::value::CqlTimestamp;
use tidegate_kernel::Timestamp;
use tidegate_ports::{KeptRow, Meeting, RowKey, RowScan, RowWrite, Rows, ScanOrder, StoreError};

use super::ScyllaSettings;
use crate::agentping::registry::credential_row::was_applied;
use crate::batch::RowBatches;
use crate::failure::unreadable;
use crate::session::Page;

/// Rows of a page: not fewer, since removed ones may come first, and not more, since each has its document.
const PAGE_ROWS: (usize, usize) = (100, 1_000);

/// The cells of a row.
type Cells = (String, Option<Vec<u8>>, Option<bool>, Option<CqlTimestamp>);

#[async_trait]
impl Rows for ScyllaSettings {
    async fn put(&self, rows: Arc<Vec<RowWrite>>, now: Timestamp) -> Result<(), StoreError> {
        RowWrite::check(&rows, Meeting::HigherRank)?;
        let mut batches = RowBatches::new("put_rows", &self.cql.statements().put_row);
        for write in rows.iter() {
            let RowKey { table, shard, row } = &write.key;
            let (doc, is_removed) = (write.doc.clone().unwrap_or_default(), write.doc.is_none());
            let (bytes, ends_at) = (doc.len(), write.ends_at(now));
            let rank = i64::try_from(write.rank).unwrap_or(i64::MAX);
            let (live_s, ends_at) = (self.seconds_until(ends_at), CqlTimestamp(ends_at.as_millis()));
            let key = (table.name, shard.to_string(), row.to_string());
            let values = (rank, live_s, doc, is_removed, ends_at, key.0, key.1, key.2);
            batches.add((table.name, shard.clone()), bytes, values);
        }
        self.cql.write_batches(batches.into_batches(), self.cql.concurrency()).await
    }

    async fn insert(&self, rows: Arc<Vec<RowWrite>>, now: Timestamp) -> Result<Vec<bool>, StoreError> {
        RowWrite::check(&rows, Meeting::First)?;
        let insert = |index: usize| {
            let (settings, rows) = (self.clone(), rows.clone());
            async move { settings.insert_one(&rows[index], now).await }
        };
        stream::iter(0..rows.len()).map(insert).buffered(self.cql.concurrency()).try_collect().await
    }

    async fn get(&self, keys: &[RowKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let get = |key: RowKey| {
            let settings = self.clone();
            async move { settings.row_doc(&key).await }
        };
        stream::iter(keys.to_vec()).map(get).buffered(self.cql.concurrency()).try_collect().await
    }

    async fn scan(&self, scan: &RowScan) -> Result<Vec<KeptRow>, StoreError> {
        let (mut found, now) = (Vec::new(), self.clock.now());
        let mut from = Some(PagingState::start());
        while let Some(state) = from.filter(|_| found.len() < scan.limit) {
            let page = self.row_page(scan, state).await?;
            for row in page.rows.rows::<Cells>().map_err(|error| unreadable("kept_rows", error))? {
                let row = row.map_err(|error| unreadable("kept_rows", error))?;
                if found.len() < scan.limit {
                    found.extend(there(row, now));
                }
            }
            from = page.next;
        }
        Ok(found)
    }

    /// Does nothing: each row has a time to live.
    async fn purge_rows(&self, _now: Timestamp, _limit: usize) -> Result<usize, StoreError> {
        Ok(0)
    }
}

impl ScyllaSettings {
    async fn insert_one(&self, write: &RowWrite, now: Timestamp) -> Result<bool, StoreError> {
        // Most of what is inserted again is there: a read costs less than a conditional write.
        if self.row_doc(&write.key).await?.is_some() {
            return Ok(false);
        }
        let RowKey { table, shard, row } = &write.key;
        let ends_at = write.ends_at(now);
        let (live_s, doc) = (self.seconds_until(ends_at), write.doc.as_deref().unwrap_or_default());
        let values = (table.name, shard.as_str(), row.as_str(), doc, CqlTimestamp(ends_at.as_millis()), live_s);
        was_applied(&self.cql.conditional(&self.cql.statements().insert_row, &values).await?)
    }

    async fn row_doc(&self, key: &RowKey) -> Result<Option<Vec<u8>>, StoreError> {
        let values = (key.table.name, key.shard.as_str(), key.row.as_str());
        let found = self.cql.run(&self.cql.statements().kept_row, values).await?;
        let row = found.rows.maybe_first_row::<Cells>().map_err(|error| unreadable("a kept row", error))?;
        Ok(row.and_then(|cells| there(cells, self.clock.now())).map(|row| row.doc))
    }

    async fn row_page(&self, scan: &RowScan, from: PagingState) -> Result<Page, StoreError> {
        let statements = self.cql.statements();
        let (least, most) = PAGE_ROWS;
        // At most 1,000, which fits.
        let rows = Some(scan.limit.clamp(least, most) as i32);
        let (kind, shard) = (scan.table.name, scan.shard.as_str());
        let (whole, after_row) = match scan.order {
            ScanOrder::Ascending => (&statements.rows_up, &statements.rows_up_after),
            ScanOrder::Descending => (&statements.rows_down, &statements.rows_down_after),
        };
        match &scan.after {
            None => self.cql.page(whole, (kind, shard), rows, from).await,
            Some(after) => self.cql.page(after_row, (kind, shard, after.as_str()), rows, from).await,
        }
    }
}

/// A row that was neither removed nor has ended.
fn there((name, doc, is_removed, ends_at): Cells, now: Timestamp) -> Option<KeptRow> {
    let has_ended = ends_at.is_some_and(|at| Timestamp::from_millis(at.0) <= now);
    let is_there = is_removed == Some(false) && !has_ended;
    is_there.then(|| KeptRow { row: name.into(), doc: doc.unwrap_or_default() })
}
