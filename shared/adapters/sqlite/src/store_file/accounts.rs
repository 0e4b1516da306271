//! The accounts of a store file, and its halts: a row for each partition of the log. Every product's file has these tables.

use rusqlite::{Connection, OptionalExtension, Row, params};
use tidegate_kernel::Partition;
use tidegate_ports::{Account, Halt};

use crate::sqlite::values::{signed, unsigned};

/// The columns that [`account_at`] takes, in its order.
const ACCOUNT: &str = "generation, partition, from_offset, next_offset, stored, duplicate, conflict, dead";

/// Saves an account, unless the stored one reaches as far.
pub(crate) fn save_account(connection: &Connection, account: &Account) -> rusqlite::Result<()> {
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
pub(crate) fn save_halt(connection: &Connection, halt: &Halt) -> rusqlite::Result<()> {
    let mut upsert = connection.prepare_cached(
        "INSERT INTO halts (generation, partition, offset) VALUES (?1, ?2, ?3) \
         ON CONFLICT DO UPDATE SET offset = excluded.offset WHERE excluded.offset > offset",
    )?;
    upsert.execute(params![halt.generation, halt.partition, halt.offset]).map(drop)
}

pub(crate) fn halts(connection: &Connection) -> rusqlite::Result<Vec<Halt>> {
    let mut all =
        connection.prepare_cached("SELECT generation, partition, offset FROM halts ORDER BY generation, partition")?;
    let halt = |row: &Row<'_>| Ok(Halt { generation: row.get(0)?, partition: row.get(1)?, offset: row.get(2)? });
    all.query_map([], halt)?.collect()
}

pub(crate) fn account(
    connection: &Connection,
    generation: u16,
    partition: Partition,
) -> rusqlite::Result<Option<Account>> {
    let text = format!("SELECT {ACCOUNT} FROM accounts WHERE generation = ?1 AND partition = ?2");
    connection.prepare_cached(&text)?.query_row(params![generation, partition], account_at).optional()
}

pub(crate) fn accounts(connection: &Connection) -> rusqlite::Result<Vec<Account>> {
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
