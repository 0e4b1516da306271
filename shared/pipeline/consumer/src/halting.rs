//! Why a partition is halted, and at which record.

use tidegate_kernel::Position;

use crate::brake::Tripped;

/// Why nothing more of a partition is applied, and from which record on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Halting {
    pub tripped: Tripped,
    /// The offset of the record that is the cause.
    pub offset: i64,
}

/// What stopped decoding, at which record, and why that cannot be decoded.
pub(crate) struct DecodingStop {
    pub tripped: Tripped,
    pub position: Position,
    pub reason: String,
}

impl DecodingStop {
    /// Logs it.
    pub fn into_halting(self) -> Halting {
        let DecodingStop { tripped, position, reason } = self;
        match tripped {
            Tripped::AskedToBeVoid => {
                tracing::warn!(%position, "an operator asked for a record to be void; its partition waits");
            }
            _ => tracing::error!(%position, reason, "a record cannot be applied; its partition is halted"),
        }
        Halting { tripped, offset: position.offset }
    }
}
