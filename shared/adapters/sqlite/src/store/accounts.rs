//! The result of every record: an account for each partition of the log, and notes of records that were not simply
//! stored. The store's one writer writes both, so that they share its commits.

use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};
use tidegate_agentping::RunKey;
use tidegate_agentping_ports::{Note, NotedAccounts};
use tidegate_kernel::{Partition, Position, Timestamp};
use tidegate_ports::{Account, Accounts, Fate, Halt, StoreError};

use super::EmbeddedStore;
use super::failure::unreadable;
use super::id_blob::{IdBlob, blob_of, id_at};
use super::run_row::{millis, signed, unsigned};
use super::work::Work;

/// The columns that [`account_at`] takes, in its order.
const ACCOUNT: &str = "generation, partition, from_offset, next_offset, stored, duplicate, conflict, dead";

/// Notes read at once. More take several reads, so that other reads get a connection in between.
const NOTES_PER_READ: usize = 500;

#[async_trait]
impl Accounts for EmbeddedStore {
    async fn settle(&self, account: Account) -> Result<(), StoreError> {
        self.writer.write(Work::Account(account)).await
    }

    async fn account(&self, generation: u16, partition: Partition) -> Result<Option<Account>, StoreError> {
        self.queries.read(move |connection| account(connection, generation, partition)).await
    }

    async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        self.queries.read(accounts).await
    }

    async fn halt(&self, halt: Halt) -> Result<(), StoreError> {
        self.writer.write(Work::Halt(halt)).await
    }

    async fn halts(&self) -> Result<Vec<Halt>, StoreError> {
        self.queries.read(halts).await
    }
}

#[async_trait]
impl NotedAccounts for EmbeddedStore {
    async fn note(&self, notes: Arc<Vec<Note>>) -> Result<(), StoreError> {
        if notes.is_empty() {
            return Ok(());
        }
        self.writer.write(Work::Notes(notes)).await
    }

    async fn notes(&self, positions: &[Position]) -> Result<Vec<Option<Note>>, StoreError> {
        let mut found = Vec::with_capacity(positions.len());
        for positions in positions.chunks(NOTES_PER_READ) {
            let positions = positions.to_vec();
            found.extend(self.queries.read(move |connection| notes(connection, &positions)).await?);
        }
        Ok(found)
    }

    async fn forget_notes(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.writer.forget_notes(before, limit).await
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

/// Saves an account, unless the stored one reaches as far.
pub(super) fn save_account(connection: &Connection, account: &Account) -> rusqlite::Result<()> {
    let mut upsert = connection.prepare_cached(
        "INSERT INTO accounts (generation, partition, from_offset, next_offset, stored, duplicate, conflict, dead) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
         ON CONFLICT DO UPDATE SET from_offset = excluded.from_offset, next_offset = excluded.next_offset, \
         stored = excluded.stored, duplicate = excluded.duplicate, conflict = excluded.conflict, dead = excluded.dead \
         WHERE excluded.next_offset > next_offset",
    )?;
    // What a data folder settles is synced: no checkpoint is needed.
    let Account { generation, partition, from_offset, next_offset, stored, duplicate, conflict, dead, checkpoint: _ } =
        *account;
    let [stored, duplicate, conflict, dead] = [stored, duplicate, conflict, dead].map(signed);
    upsert
        .execute(params![generation, partition, from_offset, next_offset, stored, duplicate, conflict, dead])
        .map(drop)
}

/// Saves a halt, unless the stored one is at this offset or beyond.
pub(super) fn save_halt(connection: &Connection, halt: &Halt) -> rusqlite::Result<()> {
    let mut upsert = connection.prepare_cached(
        "INSERT INTO halts (generation, partition, offset) VALUES (?1, ?2, ?3) \
         ON CONFLICT DO UPDATE SET offset = excluded.offset WHERE excluded.offset > offset",
    )?;
    upsert.execute(params![halt.generation, halt.partition, halt.offset]).map(drop)
}

fn halts(connection: &Connection) -> rusqlite::Result<Vec<Halt>> {
    let mut all =
        connection.prepare_cached("SELECT generation, partition, offset FROM halts ORDER BY generation, partition")?;
    let halt = |row: &Row<'_>| Ok(Halt { generation: row.get(0)?, partition: row.get(1)?, offset: row.get(2)? });
    all.query_map([], halt)?.collect()
}

pub(super) const FORGET_NOTES: &str = "DELETE FROM notes WHERE (generation, partition, offset) IN (SELECT generation, \
     partition, offset FROM notes WHERE appended_at_ms < ?1 ORDER BY appended_at_ms LIMIT ?2)";

/// Deletes up to `limit` notes of records appended before `before`.
pub(super) fn forget_notes(connection: &Connection, before: Timestamp, limit: usize) -> rusqlite::Result<usize> {
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

fn account(connection: &Connection, generation: u16, partition: Partition) -> rusqlite::Result<Option<Account>> {
    let text = format!("SELECT {ACCOUNT} FROM accounts WHERE generation = ?1 AND partition = ?2");
    connection.prepare_cached(&text)?.query_row(params![generation, partition], account_at).optional()
}

fn accounts(connection: &Connection) -> rusqlite::Result<Vec<Account>> {
    let text = format!("SELECT {ACCOUNT} FROM accounts ORDER BY generation, partition");
    connection.prepare_cached(&text)?.query_map([], account_at)?.collect()
}

fn account_at(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account {
        generation: row.get(0)?,
        partition: row.get(1)?,
        from_offset: row.get(2)?,
        next_offset: row.get(3)?,
        stored: unsigned(row, 4)?,
        duplicate: unsigned(row, 5)?,
        conflict: unsigned(row, 6)?,
        dead: unsigned(row, 7)?,
        checkpoint: None,
    })
}
