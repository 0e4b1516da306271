//! Books: one row each, written whole.
//!
//! Both cells have the write timestamp of the last command that the book includes. Two books at one timestamp are the
//! same book, so their cells cannot mix.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt, stream};
use tidegate_kernel::LogKey;
use tidegate_ports::{BookWrite, Books, StoreError, StoredBook};

use super::ScyllaCommands;
use crate::failure::unreadable;

#[async_trait]
impl Books for ScyllaCommands {
    async fn load(&self, owners: &[LogKey]) -> Result<Vec<Option<StoredBook>>, StoreError> {
        let load = |owner: LogKey| {
            let store = self.clone();
            async move { store.book(owner).await }
        };
        stream::iter(owners.to_vec()).map(load).buffered(self.cql.concurrency()).try_collect().await
    }

    async fn save(&self, writes: Arc<Vec<BookWrite>>) -> Result<(), StoreError> {
        writes.iter().try_for_each(BookWrite::check_size)?;
        let save = |index: usize| {
            let (store, writes) = (self.clone(), Arc::clone(&writes));
            async move { store.save_book(&writes[index]).await }
        };
        stream::iter(0..writes.len()).map(save).buffer_unordered(self.cql.concurrency()).try_collect().await
    }

    async fn starts(&self) -> Result<u64, StoreError> {
        self.cql.starts().await
    }
}

impl ScyllaCommands {
    async fn book(&self, owner: LogKey) -> Result<Option<StoredBook>, StoreError> {
        let found = self.cql.run(&self.cql.statements().book, (owner.text(),)).await?;
        let row = found.rows.maybe_first_row::<(Vec<u8>, &str)>().map_err(|error| unreadable("a book", error))?;
        row.map(|(doc, decided_to)| {
            let decided_to = decided_to.parse().map_err(|error| unreadable("a book's position", error))?;
            Ok(StoredBook { doc, decided_to })
        })
        .transpose()
    }

    async fn save_book(&self, write: &BookWrite) -> Result<(), StoreError> {
        let StoredBook { doc, decided_to } = &write.book;
        let values = (decided_to.write_timestamp(), doc.as_slice(), decided_to.to_string(), write.owner.text());
        self.cql.write(&self.cql.statements().save_book, values).await
    }
}
