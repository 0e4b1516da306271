//! The position of a record on the log.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A partition's number within its topic, from 0.
pub type Partition = u32;

/// A record's position: topic generation, partition, offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    pub generation: u16,
    pub partition: Partition,
    /// The record's number within the partition, from 0.
    pub offset: i64,
}

impl Position {
    const OFFSET_BITS: u32 = 48;

    /// The write timestamp that a store uses for the state folded up to this record: the generation in the high
    /// bits, the offset in the low 48. Within one partition it grows strictly with the log.
    pub const fn write_timestamp(&self) -> i64 {
        ((self.generation as i64) << Self::OFFSET_BITS) | (self.offset & ((1 << Self::OFFSET_BITS) - 1))
    }

    /// Whether the record at this position is part of a state stored up to the write timestamp `folded_to`; `None`
    /// means that no state is stored.
    pub fn is_folded(&self, folded_to: Option<i64>) -> bool {
        folded_to.is_some_and(|folded_to| self.write_timestamp() <= folded_to)
    }
}

/// `generation/partition/offset`: `1/4/1234`.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.generation, self.partition, self.offset)
    }
}

/// A text that is no position.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no position: give generation/partition/offset, for example 1/4/1234")]
pub struct PositionError(String);

impl FromStr for Position {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        let read = || {
            let mut parts = text.split('/');
            let position = Position {
                generation: parts.next()?.parse().ok()?,
                partition: parts.next()?.parse().ok()?,
                offset: parts.next()?.parse().ok().filter(|offset| *offset >= 0)?,
            };
            parts.next().is_none().then_some(position)
        };
        read().ok_or_else(|| PositionError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_as_it_is_written_and_nothing_else_is() {
        let position = Position { generation: 1, partition: 4, offset: i64::MAX };
        assert_eq!(position.to_string(), "1/4/9223372036854775807");
        assert_eq!(position.to_string().parse(), Ok(position));
        for text in
            ["", "1/4", "1/4/5/6", "1/4/-5", "1/-4/5", "65536/4/5", "1/4/x", " 1/4/5", "1/4/9223372036854775808"]
        {
            assert_eq!(text.parse::<Position>(), Err(PositionError(text.to_owned())));
        }
    }
}
