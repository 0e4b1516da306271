//! Deliveries, and in a table of its own how far sending is.
//!
//! The progress is no function of the log: its write timestamp is its instant, so that the later one stays.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use scylla::response::PagingState;
use scylla::response::query_result::QueryRowsResult;
use scylla::serialize::row::SerializeRow;
use serde::{Deserialize, Serialize};
use tidegate_kernel::command::Delivery;
use tidegate_kernel::{LogKey, SmolStr, Timestamp};
use tidegate_ports::{Deliveries, DeliveryWrite, SendProgress, SendState, StoreError, WaitingDelivery};

use super::ScyllaCommands;
use crate::batch::RowBatches;
use crate::failure::unreadable;
use crate::statement::Prepared;

/// Deliveries of a page, which have a body each.
const DELIVERIES_PER_PAGE: i32 = 200;
/// Deliveries that one statement names: servers take a hundred values of a clustering key.
const NAMED_AT_ONCE: usize = 100;
/// Microseconds, the servers' unit of write timestamps, in a millisecond. Several tries within one differ by them.
const MICROS: i64 = 1_000;

/// A progress as it is stored: one cell, so that no two can mix.
#[derive(Serialize, Deserialize)]
struct Cell {
    tries: u32,
    #[serde(flatten)]
    state: State,
    last: String,
    at_ms: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
enum State {
    Retry { retry_at_ms: i64 },
    Sent,
    GivenUp,
    Dropped,
}

#[async_trait]
impl Deliveries for ScyllaCommands {
    async fn put(&self, writes: Arc<Vec<DeliveryWrite>>) -> Result<(), StoreError> {
        let mut batches = RowBatches::new("save_deliveries", &self.cql.statements().save_delivery);
        for DeliveryWrite { owner, delivery: Delivery { id, body }, position } in writes.iter() {
            let shard = owner.shard().cast_signed();
            let owner = owner.text().to_owned();
            batches.add(shard, body.len(), (shard, id.to_string(), owner, body.clone(), position.write_timestamp()));
        }
        self.cql.write_batches(batches.into_batches(), self.cql.concurrency()).await
    }

    async fn waiting(
        &self,
        shard: u16,
        after: Option<SmolStr>,
        limit: usize,
    ) -> Result<Vec<WaitingDelivery>, StoreError> {
        self.page_of(shard, after, limit, is_waiting).await
    }

    async fn named(&self, shard: u16, ids: &[SmolStr]) -> Result<Vec<WaitingDelivery>, StoreError> {
        let ids: BTreeSet<&str> = ids.iter().map(SmolStr::as_str).collect();
        let ids: Vec<&str> = ids.into_iter().collect();
        let mut found = Vec::new();
        for ids in ids.chunks(NAMED_AT_ONCE) {
            let values = (shard.cast_signed(), ids);
            let statements = self.cql.statements();
            let deliveries = self.all_of(&statements.named_deliveries, &values).await?;
            let mut progress = self.all_progress(&statements.named_delivery_progress, &values).await?;
            found.extend(deliveries.into_iter().map(|(owner, delivery)| {
                let progress = progress.remove(&delivery.id);
                WaitingDelivery { owner, delivery, progress }
            }));
        }
        found.retain(is_waiting);
        Ok(found)
    }

    async fn kept(&self, shard: u16, after: Option<SmolStr>, limit: usize) -> Result<Vec<WaitingDelivery>, StoreError> {
        self.page_of(shard, after, limit, |_| true).await
    }

    async fn note(&self, owner: LogKey, id: &str, progress: SendProgress) -> Result<(), StoreError> {
        let at_micros = progress.at.as_millis().saturating_mul(MICROS);
        let at = at_micros.saturating_add(i64::from(progress.tries).min(MICROS - 1));
        let cell = serde_json::to_string(&Cell::from(progress)).map_err(|error| unreadable("a progress", error))?;
        let values = (owner.shard().cast_signed(), id.to_owned(), cell, at);
        self.cql.write(&self.cql.statements().save_delivery_progress, values).await
    }
}

impl ScyllaCommands {
    async fn page_of(
        &self,
        shard: u16,
        after: Option<SmolStr>,
        limit: usize,
        is_wanted: impl Fn(&WaitingDelivery) -> bool + Send + Sync,
    ) -> Result<Vec<WaitingDelivery>, StoreError> {
        let mut found = Vec::new();
        // No id is empty.
        let values = (shard.cast_signed(), after.unwrap_or_default().to_string());
        let mut from = Some(PagingState::start());
        while let Some(state) = from.filter(|_| found.len() < limit) {
            let statement = &self.cql.statements().deliveries;
            let page = self.cql.page(statement, &values, Some(DELIVERIES_PER_PAGE), state).await?;
            let deliveries = deliveries_in(&page.rows)?;
            let mut progress = self.progress_of(shard, &deliveries).await?;
            let all = deliveries.into_iter().map(|(owner, delivery)| {
                let progress = progress.remove(&delivery.id);
                WaitingDelivery { owner, delivery, progress }
            });
            found.extend(all.filter(&is_wanted).take(limit - found.len()));
            from = page.next;
        }
        Ok(found)
    }

    /// The progress of these deliveries, which are in the order of their ids.
    async fn progress_of(
        &self,
        shard: u16,
        deliveries: &[(SmolStr, Delivery)],
    ) -> Result<HashMap<SmolStr, SendProgress>, StoreError> {
        let ([(_, first), ..], [.., (_, last)]) = (deliveries, deliveries) else { return Ok(HashMap::new()) };
        let values = (shard.cast_signed(), first.id.to_string(), last.id.to_string());
        self.all_progress(&self.cql.statements().delivery_progress, &values).await
    }

    /// Every delivery that a statement finds.
    async fn all_of(
        &self,
        statement: &Prepared,
        values: &(impl SerializeRow + Sync),
    ) -> Result<Vec<(SmolStr, Delivery)>, StoreError> {
        let mut found = Vec::new();
        let mut from = Some(PagingState::start());
        while let Some(state) = from {
            let page = self.cql.page(statement, values, Some(DELIVERIES_PER_PAGE), state).await?;
            found.extend(deliveries_in(&page.rows)?);
            from = page.next;
        }
        Ok(found)
    }

    /// Every progress that a statement finds.
    async fn all_progress(
        &self,
        statement: &Prepared,
        values: &(impl SerializeRow + Sync),
    ) -> Result<HashMap<SmolStr, SendProgress>, StoreError> {
        let mut progress = HashMap::new();
        let mut from = Some(PagingState::start());
        while let Some(state) = from {
            let page = self.cql.page(statement, values, None, state).await?;
            for row in page.rows.rows::<(&str, &str)>().map_err(|error| unreadable("delivery_progress", error))? {
                let (id, cell) = row.map_err(|error| unreadable("delivery_progress", error))?;
                let cell: Cell = serde_json::from_str(cell).map_err(|error| unreadable("a progress", error))?;
                progress.insert(id.into(), cell.into());
            }
            from = page.next;
        }
        Ok(progress)
    }
}

fn deliveries_in(rows: &QueryRowsResult) -> Result<Vec<(SmolStr, Delivery)>, StoreError> {
    let rows = rows.rows::<(&str, &str, Vec<u8>)>().map_err(|error| unreadable("deliveries", error))?;
    rows.map(|row| {
        let (id, owner, body) = row.map_err(|error| unreadable("deliveries", error))?;
        Ok((SmolStr::from(owner), Delivery { id: id.into(), body }))
    })
    .collect()
}

fn is_waiting(one: &WaitingDelivery) -> bool {
    one.progress.as_ref().is_none_or(|one| !one.state.is_finished())
}

impl From<SendProgress> for Cell {
    fn from(SendProgress { tries, state, last, at }: SendProgress) -> Self {
        let state = match state {
            SendState::Retry(at) => State::Retry { retry_at_ms: at.as_millis() },
            SendState::Sent => State::Sent,
            SendState::GivenUp => State::GivenUp,
            SendState::Dropped => State::Dropped,
        };
        Cell { tries, state, last, at_ms: at.as_millis() }
    }
}

impl From<Cell> for SendProgress {
    fn from(Cell { tries, state, last, at_ms }: Cell) -> Self {
        let state = match state {
            State::Retry { retry_at_ms } => SendState::Retry(Timestamp::from_millis(retry_at_ms)),
            State::Sent => SendState::Sent,
            State::GivenUp => SendState::GivenUp,
            State::Dropped => SendState::Dropped,
        };
        SendProgress { tries, state, last, at: Timestamp::from_millis(at_ms) }
    }
}
