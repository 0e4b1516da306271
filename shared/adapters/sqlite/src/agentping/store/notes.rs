//! Notes of records that were not simply stored. The store's one writer writes them, so that they share its commits.

use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};
use tidegate_agentping::RunKey;
use tidegate_agentping_ports::{Note, NotedAccounts};
use tidegate_kernel::{Position, Timestamp};
use tidegate_ports::{Fate, StoreError};

use super::EmbeddedStore;
use super::id_blob::{IdBlob, blob_of, id_at};
use super::work::Work;
use crate::sqlite::failure::unreadable;
use crate::sqlite::values::{millis, signed};

/// Notes read at once. More take several reads, so that other reads get a connection in between.
const NOTES_PER_READ: usize = 500;

#[async_trait]
impl NotedAccounts for EmbeddedStore {
    async fn note(&self, notes: Arc<Vec<Note>>) -> Result<(), StoreError> {
        if notes.is_empty() {
            return Ok(());
        }
        self.file.write(Work::Notes(notes)).await
    }

    async fn notes(&self, positions: &[Position]) -> Result<Vec<Option<Note>>, StoreError> {
        let mut found = Vec::with_capacity(positions.len());
        for positions in positions.chunks(NOTES_PER_READ) {
            let positions = positions.to_vec();
            found.extend(self.file.queries.read(move |connection| notes(connection, &positions)).await?);
        }
        Ok(found)
    }

    async fn forget_notes(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.file.delete(move |connection| forget_notes(connection, before, limit)).await
    }
}

/// Saves notes. A position keeps its first note. Returns the bytes that go into the WAL, about.
pub(super) fn save_notes(connection: &Connection, notes: &[Note]) -> rusqlite::Result<u64> {
    const ROW_BYTES: u64 = 128;
    let mut insert = connection.prepare_cached(
        "INSERT INTO notes (generation, partition, offset, appended_at_ms, team, run, fate) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
    )?;
    for Note { position, appended_at, key, fate } in notes {
        insert.execute(params![
            position.generation,
            position.partition,
            position.offset,
            appended_at.as_millis(),
            key.map(|key| blob_of(key.team)),
            key.map(|key| blob_of(key.run)),
            fate.name(),
        ])?;
    }
    Ok(notes.len() as u64 * ROW_BYTES)
}

pub(super) const FORGET_NOTES: &str = "DELETE FROM notes WHERE (generation, partition, offset) IN (SELECT generation, \
     partition, offset FROM notes WHERE appended_at_ms < ?1 ORDER BY appended_at_ms LIMIT ?2)";

/// Deletes up to `limit` notes of records appended before `before`.
fn forget_notes(connection: &Connection, before: Timestamp, limit: usize) -> rusqlite::Result<usize> {
    let mut delete = connection.prepare_cached(FORGET_NOTES)?;
    delete.execute(params![before.as_millis(), signed(limit as u64)])
}

fn notes(connection: &Connection, positions: &[Position]) -> rusqlite::Result<Vec<Option<Note>>> {
    let mut find = connection.prepare_cached(
        "SELECT appended_at_ms, team, run, fate FROM notes WHERE generation = ?1 AND partition = ?2 AND offset = ?3",
    )?;
    let mut find = |position: &Position| {
        let Position { generation, partition, offset } = *position;
        find.query_row(params![generation, partition, offset], |row| note_at(row, *position)).optional()
    };
    positions.iter().map(&mut find).collect()
}

fn note_at(row: &Row<'_>, position: Position) -> rusqlite::Result<Note> {
    let key = match row.get::<_, Option<IdBlob>>(1)? {
        Some(_) => Some(RunKey { team: id_at(row, 1)?, run: id_at(row, 2)? }),
        None => None,
    };
    let name: String = row.get(3)?;
    let fate = Fate::named(&name).ok_or_else(|| unreadable(3, format!("no fate is called '{name}'")))?;
    Ok(Note { position, appended_at: millis(row, 0)?, key, fate })
}
