//! The refusal of a request that is shed.

use crate::policy::ShedCause;

/// A request of this class is refused: it may come again after `retry_after_s` seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShedRefusal<C> {
    pub class: C,
    pub cause: ShedCause,
    pub retry_after_s: u64,
}
