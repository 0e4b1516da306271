//! Books: a row for each owner.

use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};
use tidegate_kernel::{LogKey, Position};
use tidegate_ports::{BookWrite, Books, StoreError, StoredBook};

use super::EmbeddedCommandStore;
use super::work::Work;

const SAVE: &str = "INSERT INTO books (owner, generation, partition, offset, doc) VALUES (?1, ?2, ?3, ?4, ?5) \
     ON CONFLICT DO UPDATE SET generation = excluded.generation, partition = excluded.partition, \
     offset = excluded.offset, doc = excluded.doc \
     WHERE (excluded.generation, excluded.offset) > (generation, offset)";

pub(super) const LOAD: &str = "SELECT generation, partition, offset, doc FROM books WHERE owner = ?1";

#[async_trait]
impl Books for EmbeddedCommandStore {
    async fn load(&self, owners: &[LogKey]) -> Result<Vec<Option<StoredBook>>, StoreError> {
        if owners.is_empty() {
            return Ok(Vec::new());
        }
        let owners = owners.to_vec();
        self.file.by_key.read(move |connection| load(connection, &owners)).await
    }

    async fn save(&self, writes: Arc<Vec<BookWrite>>) -> Result<(), StoreError> {
        writes.iter().try_for_each(BookWrite::check_size)?;
        if writes.is_empty() {
            return Ok(());
        }
        self.file.write(Work::Books(writes)).await
    }
}

/// Saves each book, unless the stored one was decided further. Returns the bytes of the documents.
pub(super) fn save(connection: &Connection, writes: &[BookWrite]) -> rusqlite::Result<usize> {
    let mut save = connection.prepare_cached(SAVE)?;
    let mut bytes = 0;
    for BookWrite { owner, book } in writes {
        let Position { generation, partition, offset } = book.decided_to;
        save.execute(params![owner.text(), generation, partition, offset, book.doc])?;
        bytes += book.doc.len();
    }
    Ok(bytes)
}

fn load(connection: &Connection, owners: &[LogKey]) -> rusqlite::Result<Vec<Option<StoredBook>>> {
    let mut find = connection.prepare_cached(LOAD)?;
    let mut find = |owner: &LogKey| {
        let book = find.query_row([owner.text()], |row| {
            let decided_to = Position { generation: row.get(0)?, partition: row.get(1)?, offset: row.get(2)? };
            Ok(StoredBook { doc: row.get(3)?, decided_to })
        });
        book.optional()
    };
    owners.iter().map(&mut find).collect()
}
