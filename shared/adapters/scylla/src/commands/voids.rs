//! Void records, all in one partition: there are few, and every consumer of the log reads them all.
//!
//! A request's state is changed by conditional writes only, so that of two operators one comes after the other. Once it
//! is in force the record is in the table `voids`, too, where builds from before there were requests find it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use scylla::response::PagingState;
use scylla::value::CqlTimestamp;
use tidegate_kernel::command::VoidState;
use tidegate_kernel::{Position, Timestamp};
use tidegate_ports::{StoreError, Void, VoidRequest, Voids};

use super::ScyllaCommands;
use super::positions::{cells_of, position_of};
use crate::failure::unreadable;
use crate::write_time::first_wins;

/// Position, reason, instant.
type VoidCells = (i32, i32, i64, String, CqlTimestamp);
/// Position, state, reason, instant.
type RequestCells = (i32, i32, i64, String, String, CqlTimestamp);

#[async_trait]
impl Voids for ScyllaCommands {
    async fn ask(&self, request: VoidRequest) -> Result<(), StoreError> {
        let VoidRequest { position, reason, asked_at } = request;
        let (generation, partition, offset) = cells_of(position);
        let values = (generation, partition, offset, reason, CqlTimestamp(asked_at.as_millis()));
        self.cql.conditional(&self.cql.statements().ask_for_void, values).await?;
        self.cql.conditional(&self.cql.statements().ask_again, cells_of(position)).await.map(drop)
    }

    async fn settle(&self, position: Position, state: VoidState) -> Result<(), StoreError> {
        let (generation, partition, offset) = cells_of(position);
        let values = (state.as_str(), generation, partition, offset);
        self.cql.conditional(&self.cql.statements().settle_void, values).await?;
        let requests = self.requests().await?;
        let settled = requests.into_iter().find(|void| void.request.position == position);
        if let Some(Void { request, state: VoidState::InForce }) = settled {
            let at = CqlTimestamp(request.asked_at.as_millis());
            let values = (generation, partition, offset, request.reason, at, first_wins(request.asked_at));
            self.cql.write(&self.cql.statements().add_void, values).await?;
        }
        Ok(())
    }

    async fn all(&self) -> Result<Vec<Void>, StoreError> {
        let requests = self.requests().await?;
        let mut voids: BTreeMap<Position, Void> =
            requests.into_iter().map(|void| (void.request.position, void)).collect();
        let mut from = Some(PagingState::start());
        while let Some(state) = from {
            let page = self.cql.page(&self.cql.statements().voids, (), None, state).await?;
            for row in page.rows.rows::<VoidCells>().map_err(|error| unreadable("voids", error))? {
                let (generation, partition, offset, reason, at) = row.map_err(|error| unreadable("voids", error))?;
                let position = position_of("voids", (generation, partition, offset))?;
                let request = VoidRequest { position, reason, asked_at: Timestamp::from_millis(at.0) };
                let void = voids.entry(position).or_insert(Void { request, state: VoidState::InForce });
                void.state = VoidState::InForce;
            }
            from = page.next;
        }
        Ok(voids.into_values().collect())
    }
}

impl ScyllaCommands {
    async fn requests(&self) -> Result<Vec<Void>, StoreError> {
        const TABLE: &str = "void_requests";
        let mut requests = Vec::new();
        let mut from = Some(PagingState::start());
        while let Some(state) = from {
            let page = self.cql.page(&self.cql.statements().void_requests, (), None, state).await?;
            for row in page.rows.rows::<RequestCells>().map_err(|error| unreadable(TABLE, error))? {
                let (generation, partition, offset, state, reason, at) =
                    row.map_err(|error| unreadable(TABLE, error))?;
                let position = position_of(TABLE, (generation, partition, offset))?;
                let request = VoidRequest { position, reason, asked_at: Timestamp::from_millis(at.0) };
                let unknown = || unreadable(TABLE, format!("the state {state} is not known to this release"));
                let state = VoidState::parse(&state).ok_or_else(unknown)?;
                requests.push(Void { request, state });
            }
            from = page.next;
        }
        Ok(requests)
    }
}
