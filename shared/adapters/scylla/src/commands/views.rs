//! View rows: written by key, read by key or shard by shard.
//!
//! A removed row keeps its place with `is_removed` and an empty document. Both cells are written each time, at the same
//! timestamp, so they cannot mix.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt, stream};
use scylla::response::PagingState;
use tidegate_kernel::command::ViewKey;
use tidegate_ports::{Scan, ScanOrder, StoreError, ViewRow, ViewWrite, Views};

use super::ScyllaCommands;
use crate::batch::RowBatches;
use crate::failure::unreadable;
use crate::session::Page;

/// Rows of a page: not fewer, since removed ones may come first, and not more, since each has its document.
const PAGE_ROWS: (usize, usize) = (100, 1_000);

#[async_trait]
impl Views for ScyllaCommands {
    async fn put(&self, rows: Arc<Vec<ViewWrite>>) -> Result<(), StoreError> {
        let mut batches = RowBatches::new("save_views", &self.cql.statements().save_view_row);
        for ViewWrite { change, position } in rows.iter() {
            let ViewKey { view, shard, row } = &change.key;
            let doc = change.doc.clone().unwrap_or_default();
            let bytes = doc.len();
            let is_removed = change.doc.is_none();
            let values = (position.write_timestamp(), doc, is_removed, *view, shard.to_string(), row.to_string());
            batches.add((*view, shard.clone()), bytes, values);
        }
        self.cql.write_batches(batches.into_batches(), self.cql.concurrency()).await
    }

    async fn get(&self, keys: &[ViewKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let get = |key: ViewKey| {
            let store = self.clone();
            async move { store.view_doc(&key).await }
        };
        stream::iter(keys.to_vec()).map(get).buffered(self.cql.concurrency()).try_collect().await
    }

    async fn scan(&self, scan: &Scan) -> Result<Vec<ViewRow>, StoreError> {
        let mut found = Vec::new();
        let mut from = Some(PagingState::start());
        while let Some(state) = from.filter(|_| found.len() < scan.limit) {
            let page = self.view_page(scan, state).await?;
            for row in page.rows.rows::<(&str, Vec<u8>, bool)>().map_err(|error| unreadable("views", error))? {
                let (row, doc, is_removed) = row.map_err(|error| unreadable("views", error))?;
                if !is_removed && found.len() < scan.limit {
                    found.push(ViewRow { row: row.into(), doc });
                }
            }
            from = page.next;
        }
        Ok(found)
    }
}

impl ScyllaCommands {
    async fn view_doc(&self, key: &ViewKey) -> Result<Option<Vec<u8>>, StoreError> {
        let values = (key.view, key.shard.as_str(), key.row.as_str());
        let found = self.cql.run(&self.cql.statements().view_row, values).await?;
        let row = found.rows.maybe_first_row::<(Vec<u8>, bool)>().map_err(|error| unreadable("a view row", error))?;
        Ok(row.and_then(|(doc, is_removed)| (!is_removed).then_some(doc)))
    }

    async fn view_page(&self, scan: &Scan, from: PagingState) -> Result<Page, StoreError> {
        let statements = self.cql.statements();
        let (least, most) = PAGE_ROWS;
        // At most 1,000, which fits.
        let rows = Some(scan.limit.clamp(least, most) as i32);
        let (view, shard) = (scan.view, scan.shard.as_str());
        let (whole, after_row) = match scan.order {
            ScanOrder::Ascending => (&statements.scan_up, &statements.scan_up_after),
            ScanOrder::Descending => (&statements.scan_down, &statements.scan_down_after),
        };
        match &scan.after {
            None => self.cql.page(whole, (view, shard), rows, from).await,
            Some(after) => self.cql.page(after_row, (view, shard, after.as_str()), rows, from).await,
        }
    }
}
