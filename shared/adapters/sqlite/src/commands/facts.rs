//! Facts: rows that are added and never changed.

use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, Row, params};
use tidegate_kernel::{Position, Timestamp};
use tidegate_ports::{FactName, Facts, StoreError, StoredFact};

use super::EmbeddedCommandStore;
use super::work::Work;

const ADD: &str = "INSERT INTO facts (owner, fact, generation, partition, offset, doc, expires_at_ms) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING";

pub(super) const FIND: &str = "SELECT generation, partition, offset, doc, expires_at_ms FROM facts \
     WHERE owner = ?1 AND fact = ?2 ORDER BY generation, partition, offset";

#[async_trait]
impl Facts for EmbeddedCommandStore {
    async fn add(&self, facts: Arc<Vec<StoredFact>>) -> Result<(), StoreError> {
        if facts.is_empty() {
            return Ok(());
        }
        self.file.write(Work::Facts(facts)).await?;
        self.added.notify_waiters();
        Ok(())
    }

    async fn find(&self, wanted: &[FactName]) -> Result<Vec<Vec<StoredFact>>, StoreError> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let wanted = wanted.to_vec();
        self.file.by_key.read(move |connection| find(connection, &wanted)).await
    }

    // Not an async function: the wait has to begin with the call, not with the first poll.
    fn changed<'s, 'f>(&'s self) -> Pin<Box<dyn Future<Output = ()> + Send + 'f>>
    where
        's: 'f,
        Self: 'f,
    {
        Box::pin(self.added.notified())
    }
}

/// Adds each fact. Returns the bytes of the documents.
pub(super) fn add(connection: &Connection, facts: &[StoredFact]) -> rusqlite::Result<usize> {
    let mut add = connection.prepare_cached(ADD)?;
    let mut bytes = 0;
    for StoredFact { name, position, doc, expires_at } in facts {
        let Position { generation, partition, offset } = *position;
        let expires_at_ms = expires_at.map(Timestamp::as_millis);
        let id = name.id.to_bytes();
        add.execute(params![name.owner.text(), id, generation, partition, offset, doc, expires_at_ms])?;
        bytes += doc.len();
    }
    Ok(bytes)
}

fn find(connection: &Connection, wanted: &[FactName]) -> rusqlite::Result<Vec<Vec<StoredFact>>> {
    let mut find = connection.prepare_cached(FIND)?;
    let mut find = |name: &FactName| {
        let facts = find.query_map(params![name.owner.text(), name.id.to_bytes()], |row| fact_at(row, *name))?;
        facts.collect()
    };
    wanted.iter().map(&mut find).collect()
}

fn fact_at(row: &Row<'_>, name: FactName) -> rusqlite::Result<StoredFact> {
    Ok(StoredFact {
        name,
        position: Position { generation: row.get(0)?, partition: row.get(1)?, offset: row.get(2)? },
        doc: row.get(3)?,
        expires_at: row.get::<_, Option<i64>>(4)?.map(Timestamp::from_millis),
    })
}
