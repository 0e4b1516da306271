//! Void records, all in one partition: there are few, and every consumer of the log reads them all.

use async_trait::async_trait;
use scylla::response::PagingState;
use scylla::value::CqlTimestamp;
use tidegate_kernel::{Position, Timestamp};
use tidegate_ports::{StoreError, Void, Voids};

use super::ScyllaCommands;
use crate::failure::unreadable;
use crate::write_time::first_wins;

/// Position, reason, instant.
type VoidCells = (i32, i32, i64, String, CqlTimestamp);

#[async_trait]
impl Voids for ScyllaCommands {
    async fn add(&self, void: Void) -> Result<(), StoreError> {
        let Void { position, reason, voided_at } = void;
        let values = (
            i32::from(position.generation),
            position.partition.cast_signed(),
            position.offset,
            reason,
            CqlTimestamp(voided_at.as_millis()),
            first_wins(voided_at),
        );
        self.cql.write(&self.cql.statements().add_void, values).await
    }

    async fn all(&self) -> Result<Vec<Void>, StoreError> {
        let mut voids = Vec::new();
        let mut from = Some(PagingState::start());
        while let Some(state) = from {
            let page = self.cql.page(&self.cql.statements().voids, (), None, state).await?;
            for row in page.rows.rows::<VoidCells>().map_err(|error| unreadable("voids", error))? {
                voids.push(void_of(row.map_err(|error| unreadable("voids", error))?)?);
            }
            from = page.next;
        }
        Ok(voids)
    }
}

fn void_of((generation, partition, offset, reason, voided_at): VoidCells) -> Result<Void, StoreError> {
    let generation = u16::try_from(generation).map_err(|error| unreadable("voids", error))?;
    let position = Position { generation, partition: partition.cast_unsigned(), offset };
    Ok(Void { position, reason, voided_at: Timestamp::from_millis(voided_at.0) })
}
