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
/// Position, state, round, reason, instant.
type RequestCells = (i32, i32, i64, String, i32, String, CqlTimestamp);

/// A request, and how many times it was asked for.
struct Request {
    void: Void,
    round: i32,
}

#[async_trait]
impl Voids for ScyllaCommands {
    async fn ask(&self, request: VoidRequest) -> Result<u32, StoreError> {
        let VoidRequest { position, reason, asked_at } = request;
        let (generation, partition, offset) = cells_of(position);
        let values = (generation, partition, offset, reason, CqlTimestamp(asked_at.as_millis()));
        self.cql.conditional(&self.cql.statements().ask_for_void, values).await?;
        let Request { void, round } = self.request(position).await?.ok_or_else(|| missing(position))?;
        if void.state != VoidState::Withdrawn {
            return Ok(round.cast_unsigned());
        }
        let values = (round + 1, generation, partition, offset, round);
        self.cql.conditional(&self.cql.statements().ask_again, values).await?;
        // Another operator may have asked again first; both settle that round.
        let Request { round, .. } = self.request(position).await?.ok_or_else(|| missing(position))?;
        Ok(round.cast_unsigned())
    }

    async fn settle(&self, position: Position, round: u32, state: VoidState) -> Result<(), StoreError> {
        let (generation, partition, offset) = cells_of(position);
        let values = (state.as_str(), generation, partition, offset, round.cast_signed());
        self.cql.conditional(&self.cql.statements().settle_void, values).await?;
        let settled = self.request(position).await?.map(|one| one.void);
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
            requests.into_iter().map(|Request { void, .. }| (void.request.position, void)).collect();
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

const TABLE: &str = "void_requests";

fn missing(position: Position) -> StoreError {
    unreadable(TABLE, format!("the request for {position} was written and is not there"))
}

impl ScyllaCommands {
    async fn request(&self, position: Position) -> Result<Option<Request>, StoreError> {
        let requests = self.requests().await?;
        Ok(requests.into_iter().find(|one| one.void.request.position == position))
    }

    async fn requests(&self) -> Result<Vec<Request>, StoreError> {
        let mut requests = Vec::new();
        let mut from = Some(PagingState::start());
        while let Some(state) = from {
            let page = self.cql.page(&self.cql.statements().void_requests, (), None, state).await?;
            for row in page.rows.rows::<RequestCells>().map_err(|error| unreadable(TABLE, error))? {
                let (generation, partition, offset, state, round, reason, at) =
                    row.map_err(|error| unreadable(TABLE, error))?;
                let position = position_of(TABLE, (generation, partition, offset))?;
                let request = VoidRequest { position, reason, asked_at: Timestamp::from_millis(at.0) };
                let unknown = || unreadable(TABLE, format!("the state {state} is not known to this release"));
                let state = VoidState::parse(&state).ok_or_else(unknown)?;
                requests.push(Request { void: Void { request, state }, round });
            }
            from = page.next;
        }
        Ok(requests)
    }
}
