//! A position on the log as three cells of a key.

use tidegate_kernel::Position;
use tidegate_ports::StoreError;

use crate::failure::unreadable;

/// Generation, partition, offset.
pub(super) type PositionCells = (i32, i32, i64);

pub(super) fn cells_of(position: Position) -> PositionCells {
    (i32::from(position.generation), position.partition.cast_signed(), position.offset)
}

pub(super) fn position_of(table: &str, (generation, partition, offset): PositionCells) -> Result<Position, StoreError> {
    let generation = u16::try_from(generation).map_err(|error| unreadable(table, error))?;
    Ok(Position { generation, partition: partition.cast_unsigned(), offset })
}
