//! Deliveries, and how far sending them is.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};
use tidegate_kernel::command::Delivery;
use tidegate_kernel::{LogKey, SmolStr, Timestamp};
use tidegate_ports::{Deliveries, DeliveryWrite, SendProgress, SendState, StoreError, WaitingDelivery};

use super::EmbeddedCommandStore;
use super::work::Work;
use crate::sqlite::failure::unreadable;
use crate::sqlite::values::{millis, signed, text};

const PUT: &str = "INSERT INTO deliveries (shard, id, owner, body) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";

const NOTE: &str = "INSERT INTO delivery_progress (shard, id, tries, state, retry_at_ms, last, at_ms) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
     ON CONFLICT DO UPDATE SET tries = excluded.tries, state = excluded.state, retry_at_ms = excluded.retry_at_ms, \
     last = excluded.last, at_ms = excluded.at_ms WHERE excluded.at_ms > at_ms";

pub(super) const WAITING: &str = "SELECT deliveries.id, owner, body, tries, state, retry_at_ms, last, at_ms FROM deliveries \
     LEFT JOIN delivery_progress USING (shard, id) \
     WHERE deliveries.shard = ?1 AND deliveries.id > ?2 AND (state IS NULL OR state = 'retry') \
     ORDER BY deliveries.id LIMIT ?3";

pub(super) const NAMED: &str = "SELECT deliveries.id, owner, body, tries, state, retry_at_ms, last, at_ms FROM deliveries \
     LEFT JOIN delivery_progress USING (shard, id) \
     WHERE deliveries.shard = ?1 AND deliveries.id = ?2 AND (state IS NULL OR state = 'retry')";

pub(super) const KEPT: &str = "SELECT deliveries.id, owner, body, tries, state, retry_at_ms, last, at_ms FROM deliveries \
     LEFT JOIN delivery_progress USING (shard, id) \
     WHERE deliveries.shard = ?1 AND deliveries.id > ?2 ORDER BY deliveries.id LIMIT ?3";

#[async_trait]
impl Deliveries for EmbeddedCommandStore {
    async fn put(&self, writes: Arc<Vec<DeliveryWrite>>) -> Result<(), StoreError> {
        if writes.is_empty() {
            return Ok(());
        }
        self.file.write(Work::Deliveries(writes)).await
    }

    async fn waiting(
        &self,
        shard: u16,
        after: Option<SmolStr>,
        limit: usize,
    ) -> Result<Vec<WaitingDelivery>, StoreError> {
        self.file.queries.read(move |connection| page(connection, WAITING, shard, after.as_deref(), limit)).await
    }

    async fn named(&self, shard: u16, ids: &[SmolStr]) -> Result<Vec<WaitingDelivery>, StoreError> {
        let ids: BTreeSet<SmolStr> = ids.iter().cloned().collect();
        self.file.queries.read(move |connection| named(connection, shard, &ids)).await
    }

    async fn kept(&self, shard: u16, after: Option<SmolStr>, limit: usize) -> Result<Vec<WaitingDelivery>, StoreError> {
        self.file.queries.read(move |connection| page(connection, KEPT, shard, after.as_deref(), limit)).await
    }

    /// Not synced before an account is settled: whatever is forgotten is sent once more.
    async fn note(&self, owner: LogKey, id: &str, progress: SendProgress) -> Result<(), StoreError> {
        self.file.write(Work::Progress { shard: owner.shard(), id: id.into(), progress }).await
    }
}

/// Puts each delivery that is not there. Returns the bytes of their bodies.
pub(super) fn put(connection: &Connection, writes: &[DeliveryWrite]) -> rusqlite::Result<usize> {
    let mut put = connection.prepare_cached(PUT)?;
    let mut bytes = 0;
    for DeliveryWrite { owner, delivery: Delivery { id, body }, position: _ } in writes {
        put.execute(params![owner.shard(), id.as_str(), owner.text(), body])?;
        bytes += body.len();
    }
    Ok(bytes)
}

/// Notes progress, unless the stored one is as late. Returns the bytes of its text.
pub(super) fn note(connection: &Connection, shard: u16, id: &str, progress: &SendProgress) -> rusqlite::Result<usize> {
    let SendProgress { tries, state, last, at } = progress;
    let (state, retry_at_ms) = match state {
        SendState::Retry(at) => ("retry", Some(at.as_millis())),
        SendState::Sent => ("sent", None),
        SendState::GivenUp => ("given_up", None),
        SendState::Dropped => ("dropped", None),
    };
    connection.prepare_cached(NOTE)?.execute(params![shard, id, tries, state, retry_at_ms, last, at.as_millis()])?;
    Ok(last.len())
}

fn page(
    connection: &Connection,
    query: &str,
    shard: u16,
    after: Option<&str>,
    limit: usize,
) -> rusqlite::Result<Vec<WaitingDelivery>> {
    // No id is empty.
    let values = params![shard, after.unwrap_or_default(), signed(limit as u64)];
    connection.prepare_cached(query)?.query_map(values, delivery_at)?.collect()
}

fn named(connection: &Connection, shard: u16, ids: &BTreeSet<SmolStr>) -> rusqlite::Result<Vec<WaitingDelivery>> {
    let mut named = connection.prepare_cached(NAMED)?;
    let found = ids.iter().map(|id| named.query_row(params![shard, id.as_str()], delivery_at).optional());
    found.filter_map(Result::transpose).collect()
}

fn delivery_at(row: &Row<'_>) -> rusqlite::Result<WaitingDelivery> {
    let name = |column| Ok::<_, rusqlite::Error>(SmolStr::new(text(row, column)?.unwrap_or_default()));
    let progress = match row.get::<_, Option<u32>>(3)? {
        None => None,
        Some(tries) => Some(SendProgress { tries, state: state_at(row)?, last: row.get(6)?, at: millis(row, 7)? }),
    };
    Ok(WaitingDelivery { owner: name(1)?, delivery: Delivery { id: name(0)?, body: row.get(2)? }, progress })
}

fn state_at(row: &Row<'_>) -> rusqlite::Result<SendState> {
    match text(row, 4)?.unwrap_or_default() {
        "retry" => {
            let retry_at: Option<i64> = row.get(5)?;
            let retry_at = retry_at.ok_or_else(|| unreadable(5, "a retry without its time"))?;
            Ok(SendState::Retry(Timestamp::from_millis(retry_at)))
        }
        "sent" => Ok(SendState::Sent),
        "given_up" => Ok(SendState::GivenUp),
        "dropped" => Ok(SendState::Dropped),
        _ => Err(unreadable(4, "no state of a delivery")),
    }
}
